package unicast

import (
	"encoding"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"ouroboros/ipcp/pb"
)

// Parameters travel as they were given, with their types, so that a newcomer decodes what the first member
// decoded. Durations and values with a text form of their own travel as text.

// encodePolicy returns a policy by name with its parameters in order.
func encodePolicy(name string, params map[string]any) (*pb.Policy, error) {
	list, err := encodeParams(params)
	if err != nil {
		return nil, fmt.Errorf("policy %q: %w", name, err)
	}
	return &pb.Policy{Name: &name, Params: list}, nil
}

func encodeParams(params map[string]any) ([]*pb.Param, error) {
	out := make([]*pb.Param, 0, len(params))
	for _, name := range slices.Sorted(maps.Keys(params)) {
		v, err := encodeValue(params[name])
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		out = append(out, &pb.Param{Name: &name, Value: v})
	}
	return out, nil
}

func encodeValue(x any) (*pb.Value, error) {
	switch t := x.(type) {
	case time.Duration:
		return text(t.String()), nil
	case encoding.TextMarshaler:
		b, err := t.MarshalText()
		return text(string(b)), err
	case encoding.TextUnmarshaler:
		if s, ok := x.(fmt.Stringer); ok {
			return text(s.String()), nil
		}
	case map[string]any:
		list, err := encodeParams(t)
		return &pb.Value{Kind: &pb.Value_Map_{Map: &pb.Value_Map{Items: list}}}, err
	}
	v := reflect.ValueOf(x)
	switch {
	case !v.IsValid():
	case v.Kind() == reflect.Bool:
		return &pb.Value{Kind: &pb.Value_Boolean{Boolean: v.Bool()}}, nil
	case v.CanInt():
		return &pb.Value{Kind: &pb.Value_Integer{Integer: v.Int()}}, nil
	case v.CanUint() && v.Uint() <= math.MaxInt64:
		return &pb.Value{Kind: &pb.Value_Integer{Integer: int64(v.Uint())}}, nil
	case v.CanUint():
		return &pb.Value{Kind: &pb.Value_Natural{Natural: v.Uint()}}, nil
	case v.CanFloat():
		return &pb.Value{Kind: &pb.Value_Number{Number: v.Float()}}, nil
	case v.Kind() == reflect.String:
		return text(v.String()), nil
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Array:
		l := &pb.Value_List{}
		for i := range v.Len() {
			e, err := encodeValue(v.Index(i).Interface())
			if err != nil {
				return nil, err
			}
			l.Items = append(l.Items, e)
		}
		return &pb.Value{Kind: &pb.Value_List_{List: l}}, nil
	}
	return nil, fmt.Errorf("a value of type %T cannot be handed on", x)
}

func text(s string) *pb.Value { return &pb.Value{Kind: &pb.Value_Text{Text: s}} }

// decodeParams returns the parameters of a policy; nil for none.
func decodeParams(list []*pb.Param) (map[string]any, error) {
	if len(list) == 0 {
		return nil, nil
	}
	out := make(map[string]any, len(list))
	for _, p := range list {
		v, err := decodeValue(p.GetValue())
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", p.GetName(), err)
		}
		if _, twice := out[p.GetName()]; twice {
			return nil, fmt.Errorf("parameter %s: it is there twice", p.GetName())
		}
		out[p.GetName()] = v
	}
	return out, nil
}

func decodeValue(v *pb.Value) (any, error) {
	switch k := v.GetKind().(type) {
	case *pb.Value_Boolean:
		return k.Boolean, nil
	case *pb.Value_Integer:
		return k.Integer, nil
	case *pb.Value_Natural:
		return k.Natural, nil
	case *pb.Value_Number:
		return k.Number, nil
	case *pb.Value_Text:
		return k.Text, nil
	case *pb.Value_List_:
		out := make([]any, 0, len(k.List.GetItems()))
		for _, e := range k.List.GetItems() {
			x, err := decodeValue(e)
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
		return out, nil
	case *pb.Value_Map_:
		m, err := decodeParams(k.Map.GetItems())
		if m == nil && err == nil {
			m = map[string]any{}
		}
		return m, err
	}
	return nil, fmt.Errorf("it has no value")
}
