package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// Missing is what a value that is not there prints as.
const Missing = "–"

// Number is what an Opt can hold; durations count as integers of nanoseconds.
type Number interface{ ~int64 | ~uint64 | ~float64 }

// Opt is a number that may be missing. The zero Opt is missing. NaN and infinities, which JSON cannot
// write and no table should show, count as missing.
type Opt[T Number] struct {
	v  T
	ok bool
}

// Some returns an Opt that holds v, or a missing one for NaN and infinities.
func Some[T Number](v T) Opt[T] {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		return Opt[T]{}
	}
	return Opt[T]{v, true}
}

// None returns a missing value.
func None[T Number]() Opt[T] { return Opt[T]{} }

// Get returns the value and whether it is there.
func (o Opt[T]) Get() (T, bool) { return o.v, o.ok }

// OK reports whether the value is there.
func (o Opt[T]) OK() bool { return o.ok }

// Or returns the value, or d if it is missing.
func (o Opt[T]) Or(d T) T {
	if !o.ok {
		return d
	}
	return o.v
}

// Float returns the value as a float64 and whether it is there, for code that treats all kinds of
// numbers alike.
func (o Opt[T]) Float() (float64, bool) { return float64(o.v), o.ok }

// String prints the value in its default form, or Missing.
func (o Opt[T]) String() string {
	if !o.ok {
		return Missing
	}
	return fmt.Sprint(o.v)
}

// IsZero reports whether the value is missing, for the json option omitzero.
func (o Opt[T]) IsZero() bool { return !o.ok }

// MarshalJSON writes the number or null.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if !o.ok {
		return []byte("null"), nil
	}
	return json.Marshal(o.v)
}

// UnmarshalJSON reads a number or null.
func (o *Opt[T]) UnmarshalJSON(b []byte) error {
	*o = Opt[T]{}
	if bytes.Equal(bytes.TrimSpace(b), []byte("null")) {
		return nil
	}
	if err := json.Unmarshal(b, &o.v); err != nil {
		return err
	}
	o.ok = true
	return nil
}

// Ratio returns a/b, missing if b is 0.
func Ratio[T Number](a, b T) Opt[float64] {
	if b == 0 {
		return Opt[float64]{}
	}
	return Some(float64(a) / float64(b))
}
