package remote_test

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm/remote"
)

// conversation returns what a client and a server say to each other over the life of a few flows, each message once.
func conversation(tb testing.TB) (client, server [][]byte) {
	r := newRig(tb, 10)
	a, b := r.connect("a", 50), r.connect("b", 50)
	a.near.log, a.far.log = &server, &client
	b.near.log, b.far.log = &server, &client
	x, y := r.flow(a, b, "name", core.QoSRaw)
	r.do(func() {
		b.ListenLater("no", func(in core.Incoming) { in.Reject(core.ErrPerm) }, func(error) {})
		a.Alloc(core.Request{Name: "no", QoS: core.QoSData, Encrypt: true}, func(core.Flow, error) {})
		a.Join("layer", func(core.Flow, error) {})
		y.receive(false)
		x.fill(100)
		y.fill(2000)
	})
	r.run(time.Second)
	r.do(func() { y.receive(true) })
	r.do(x.close)
	r.run(time.Second)
	r.tidy()
	return client, server
}

// FuzzServer has an application say anything behind its hello. The daemon does not panic, and when the connection
// has ended nothing is left of it, whatever it was.
func FuzzServer(f *testing.F) {
	said, _ := conversation(f)
	for _, m := range said {
		f.Add(m, m)
	}
	f.Add(allocRec(0, "srv"), rec("data", 0, 0, []byte("packet")))
	f.Add(rec("listen", 0, 0, "srv"), rec("accept", 0, theirs))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		r := newRig(t, 2)
		b := r.connect("b", 50)
		r.do(func() {
			b.ListenLater("srv", func(in core.Incoming) {
				core.Accept(in, func(fl core.Flow, err error) {
					if err == nil {
						fl.Attach(anything{fl})
					}
				})
			}, func(error) {})
		})
		p, a := r.intrude()
		r.do(func() { p.say(hello) })
		r.do(func() { r.broker.Alloc(core.Request{Name: "srv", QoS: core.QoSRaw}, func(core.Flow, error) {}) })
		for _, m := range [][]byte{first, second} {
			if len(m) > 0 && len(m) <= p.Max() {
				r.do(func() { p.say(m) })
				r.run(time.Second)
			}
		}
		if n := a.server.Flows(); n > 2*remote.MaxFlows {
			t.Errorf("%d flows", n)
		}
		r.do(p.Close)
		r.tidy()
	})
}

// FuzzClient has a broker say anything. The application does not panic, and nothing is left of its flows.
func FuzzClient(f *testing.F) {
	_, said := conversation(f)
	for _, m := range said {
		f.Add(m, m)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		r := newRig(t, 2)
		env := r.w.Node("app")
		near, far := newPipe(env, r.env, 100)
		p := &raw{pipe: far}
		far.Attach(p)
		var c *remote.Client
		r.do(func() {
			c = remote.NewClient(env, near, remote.Hello{})
			for range 2 {
				c.ListenLater("x", func(in core.Incoming) {
					core.Accept(in, func(fl core.Flow, err error) {
						if err == nil {
							fl.Attach(anything{fl})
						}
					})
				}, func(error) {})
				c.Alloc(core.Request{Name: "x"}, func(fl core.Flow, err error) {
					if err == nil {
						fl.Attach(anything{fl})
					}
				})
			}
		})
		for _, m := range [][]byte{first, second} {
			if len(m) > 0 && len(m) <= p.Max() {
				r.do(func() { p.say(m) })
			}
		}
		r.do(c.Close)
		r.tidy()
	})
}
