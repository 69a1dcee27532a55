package fleet

// Hosts are the machines of a lab.
type Hosts struct{}
