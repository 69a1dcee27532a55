package policy

import (
	"fmt"
	"math"
	"reflect"
	"time"
)

// strict refuses the conversions between numbers that mapstructure makes silently: a fraction cut off, a
// value that does not fit, a bare number taken for nanoseconds.
func strict(from, to reflect.Value) (any, error) {
	v := from.Interface()
	if to.Type() == reflect.TypeFor[time.Duration]() {
		return duration(from, v)
	}
	if !to.CanInt() && !to.CanUint() || !isNumber(from) {
		return v, nil
	}
	if from.CanFloat() {
		f := from.Float()
		if f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
			return nil, fmt.Errorf("%v is no whole number", v)
		}
		from = reflect.ValueOf(int64(f))
	}
	if !fits(from, to) {
		return nil, fmt.Errorf("%v is out of the range of %v", v, to.Kind())
	}
	return from.Interface(), nil
}

// duration reads a duration with a unit; 0 needs none.
func duration(from reflect.Value, v any) (any, error) {
	if from.Kind() == reflect.String {
		d, err := time.ParseDuration(from.String())
		if err != nil {
			return nil, fmt.Errorf("%q is no duration, accepted is for instance 4s or 250ms", v)
		}
		return d, nil
	}
	if from.Type() != reflect.TypeFor[time.Duration]() && isNumber(from) && !from.IsZero() {
		return nil, fmt.Errorf("%v has no unit, accepted is for instance %vs or %vms", v, v, v)
	}
	return v, nil
}

func isNumber(v reflect.Value) bool { return v.CanInt() || v.CanUint() || v.CanFloat() }

// fits reports whether the integer from can be stored in the integer to.
func fits(from, to reflect.Value) bool {
	switch {
	case to.CanInt() && from.CanInt():
		return !to.OverflowInt(from.Int())
	case to.CanInt():
		return from.Uint() <= math.MaxInt64 && !to.OverflowInt(int64(from.Uint()))
	case from.CanInt():
		return from.Int() >= 0 && !to.OverflowUint(uint64(from.Int()))
	}
	return !to.OverflowUint(from.Uint())
}
