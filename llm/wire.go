package llm

import "net/netip"

type wire struct{}
type traits struct{}

func newWire(Target, Bounds, []netip.Prefix) *wire { return &wire{} }
func (*wire) close()                               {}

func (t Target) check(allow []netip.Prefix) *Error {
	if t.Provider != Rehearsal {
		return &Error{Code: CodeConfig, Reason: "unknown provider", Verdict: Misconfigured}
	}
	return nil
}
