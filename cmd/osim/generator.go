package main

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"

	"ouroboros/scenarios"
	"ouroboros/topologies"
)

// generatorConfig fills in the configuration of a generator from texts "key=value".
func generatorConfig(g topologies.Generator, params []string) (any, error) {
	var keys []string
	for _, p := range g.Params() {
		keys = append(keys, p.Key)
	}
	given := map[string]any{}
	for _, p := range params {
		key, value, ok := strings.Cut(p, "=")
		if !ok {
			return nil, fmt.Errorf("generator %s: %q is not of the form key=value", g.Name, p)
		}
		if !slices.Contains(keys, key) {
			return nil, fmt.Errorf("generator %s: unknown key %q; accepted are %s", g.Name, key, strings.Join(keys, ", "))
		}
		if _, twice := given[key]; twice {
			return nil, fmt.Errorf("generator %s: key %q stands twice", g.Name, key)
		}
		given[key] = value
	}
	cfg := g.Config()
	dec, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: cfg, ErrorUnused: true, DecodeHook: fromText,
		MatchName: func(key, field string) bool { return key == field },
	})
	if err != nil {
		return nil, err
	}
	if err := dec.Decode(given); err != nil {
		text := strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "decoding failed due to the following error(s):")), " ")
		return nil, fmt.Errorf("generator %s: %s", g.Name, text)
	}
	return cfg, nil
}

// fromText reads the value of a field from the command line: rates, durations, counts and ratios.
func fromText(_, to reflect.Type, data any) (any, error) {
	text, ok := data.(string)
	if !ok {
		return data, nil
	}
	switch {
	case to == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a duration such as 1ms", text)
		}
		return d, nil
	case to.Kind() == reflect.Int64:
		var r scenarios.Rate
		if err := r.UnmarshalText([]byte(text)); err != nil {
			return nil, fmt.Errorf("%q %w", text, err)
		}
		return int64(r), nil
	case to.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number", text)
		}
		return n, nil
	case to.Kind() == reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number", text)
		}
		return f, nil
	}
	return data, nil
}
