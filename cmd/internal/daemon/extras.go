package daemon

// openExtras opens what is optional: metrics and the mount of the management tree.
func (d *daemon) openExtras() error {
	if d.cfg.Metrics != "" {
		f, err := d.serveMetrics(d.cfg.Metrics)
		if err != nil {
			return err
		}
		d.extras = append(d.extras, f)
	}
	if d.cfg.RIB != "" {
		f, err := mountRIB(d.system, d.cfg.RIB)
		if err != nil {
			return err
		}
		d.extras = append(d.extras, f)
	}
	return nil
}
