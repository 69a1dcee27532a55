package result

// Expectation is one line of the expect section, judged.
type Expectation struct {
	Metric   string       `json:"metric"` // as the scenario writes it: goodput.jain
	Op       string       `json:"op"`     // <, <=, ==, !=, >=, >, ~ (within the tolerance)
	Value    float64      `json:"value"`  // in the base unit of the metric
	Unit     string       `json:"unit"`   // ns, bit/s, ratio, packets, bytes, ""
	Measured Opt[float64] `json:"measured"`
	// Tolerance is the relative deviation that ~ accepts; missing otherwise.
	Tolerance Opt[float64] `json:"tolerance"`
	Theory    Opt[float64] `json:"theory"` // closed form of the metric, where there is one
	Source    string       `json:"source"` // of Value or Theory: formula or publication, may be empty
	// Published marks a published value that is printed for comparison. Whether it came out (OK) does
	// not decide whether the run met its expectations.
	Published bool   `json:"published"`
	OK        bool   `json:"ok"`     // false also when nothing could be measured
	Reason    string `json:"reason"` // why it could not be judged, or differs; else empty
}

// Series is a quantity over time.
type Series struct {
	Name string    `json:"name"` // link.r-server.queue, flow.cbr/1.goodput
	Unit string    `json:"unit"` // as in Expectation
	T    []float64 `json:"t_s"`  // seconds since the epoch of the run, ascending
	// V has a value for each time. Missing values are not in it: a series that was not measured at an
	// instant has no sample there.
	V []float64 `json:"v"`
}

// Add appends a sample taken at t seconds.
func (s *Series) Add(t, v float64) {
	s.T = append(s.T, t)
	s.V = append(s.V, v)
}
