package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ouroboros/cmd/internal/control"
	"ouroboros/cmd/internal/operator"
)

// give gives a parameter the value that the file has, if that has the type of the parameter.
func give(l *operator.Layer, p *operator.Param, v any) error {
	switch v := v.(type) {
	case string:
		if p.Form == operator.Number || p.Form == operator.Switch {
			break
		}
		if v == "" || strings.Contains(v, ",") && p.Form == operator.Choice {
			return fmt.Errorf("%q, accepted are %s", v, p.Accepts)
		}
		return short(p, l.Set(p, v))
	case int64:
		if p.Form != operator.Number && p.Form != operator.Seconds {
			break
		}
		text := strconv.FormatInt(v, 10)
		if p.Word == "ethertype" {
			text = strconv.FormatInt(v, 16)
		}
		return short(p, l.Set(p, text))
	case bool:
		if p.Form == operator.Switch {
			return short(p, l.Set(p, strconv.FormatBool(v)))
		}
	case map[string]any:
		if p.Form == operator.Choice {
			return choose(l, p, v)
		}
	}
	return fmt.Errorf("is %s, accepted is %s: %s", describe(v), formName(p.Form), p.Accepts)
}

// short takes the word of the parameter from an error: the key stands there already.
func short(p *operator.Param, err error) error {
	if err == nil {
		return nil
	}
	if inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(err.Error(), p.Word+": ") {
		return inner
	}
	return err
}

func formName(f operator.Form) string {
	switch f {
	case operator.Number:
		return "an integer"
	case operator.Switch:
		return "a boolean"
	case operator.Choice:
		return `a string, or a table such as {name = "...", parameter = ...}`
	case operator.Seconds:
		return "an integer of seconds, or a string"
	}
	return "a string"
}

// choose reads a policy with parameters.
func choose(l *operator.Layer, p *operator.Param, m map[string]any) error {
	name, ok := m["name"].(string)
	if !ok || name == "" {
		return fmt.Errorf("a policy without a name, accepted are %s", p.Accepts)
	}
	c := control.Policy{Name: name}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if k == "name" {
			continue
		}
		if c.Params == nil {
			c.Params = map[string]string{}
		}
		switch v := m[k].(type) {
		case string:
			c.Params[k] = v
		case int64, float64, bool:
			c.Params[k] = fmt.Sprint(v)
		default:
			return fmt.Errorf("parameter %s is %s, accepted is a string, a number or a boolean", k, describe(v))
		}
	}
	return l.SetPolicy(p.Policy, c)
}
