package node

import (
	"reflect"

	"ouroboros/scenarios"
)

// rateHook lets the parameters of generators be written as rates: "100Mbps" for an int64 in bit/s.
func rateHook(from, to reflect.Type, data any) (any, error) {
	if from.Kind() != reflect.String || to.Kind() != reflect.Int64 {
		return data, nil
	}
	if to.PkgPath() == "time" {
		return data, nil
	}
	var r scenarios.Rate
	if err := r.UnmarshalText([]byte(data.(string))); err != nil {
		return nil, err
	}
	return int64(r), nil
}
