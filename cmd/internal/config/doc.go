// Package config reads the configuration file of irmd: TOML, as in spec 13 §13.7, with tables of our own for the
// daemon itself. Reading is strict: an unknown table or key, a value of another type or out of range is an error
// that names file, line, table, key, value and what is accepted. What the file asks for becomes a list of steps
// in the order of the file, which run against the same control.Handler that irm talks to.
package config
