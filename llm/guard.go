package llm

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// guard decides which addresses a configuration may reach. It sits in the dialer and sees the address that is really
// dialled, after any name was resolved, so a name that resolves differently the second time gains nothing.
type guard struct {
	private bool           // the operator's own: everything is allowed
	plain   bool           // without TLS
	allow   []netip.Prefix // private addresses that tenants may reach
}

// control is a net.Dialer's ControlContext.
func (g guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	if g.private {
		return nil
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil || !g.allows(at.Addr()) {
		return denied("it is not a public address")
	}
	return nil
}

func (g guard) allows(ip netip.Addr) bool {
	ip = ip.WithZone("").Unmap()
	for _, p := range g.allow {
		if p.Contains(ip) {
			return true
		}
	}
	return !g.plain && public(ip)
}

// special are the ranges that are not plain public addresses, beyond what netip knows: the special-purpose registries of
// IANA, and the ranges that carry an IPv4 address inside.
var special = func() (list []netip.Prefix) {
	for _, p := range strings.Fields(`
		0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24
		192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
		2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20`) {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}()

// globalUnicast is where all public IPv6 addresses are; what is outside (loopback, mapped, translated, local, multicast)
// is not public.
var globalUnicast = netip.MustParsePrefix("2000::/3")

func public(ip netip.Addr) bool {
	if !ip.IsValid() || ip.Is6() && !globalUnicast.Contains(ip) {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

func denied(why string) *Error {
	return &Error{Code: CodeConfig, Reason: "the address of the model may not be reached: " + why, Verdict: AddressDenied}
}

// address is the base URL of a target.
func (t Target) address() string {
	switch {
	case t.BaseURL != "":
		return t.BaseURL
	case t.Provider == OpenAI:
		return DefaultOpenAI
	}
	return DefaultGemini
}

// check refuses what can't work before anything is sent.
func (t Target) check(allow []netip.Prefix) *Error {
	wrong := func(reason string) *Error {
		return &Error{Code: CodeConfig, Reason: reason, Verdict: Misconfigured}
	}
	switch t.Provider {
	case Rehearsal:
		return nil
	case OpenAI, Gemini, GeminiOld:
	default:
		return wrong("unknown provider")
	}
	if t.Model == "" || len(t.Model) > maxModelLength || strings.ContainsFunc(t.Model, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return wrong("the name of the model is missing or malformed")
	}
	// These put the name into the path of the address.
	if (t.Provider != OpenAI || t.azure()) && (strings.Contains(t.Model, "..") || strings.Trim(t.Model, modelPath) != "") {
		return wrong("the name of the model is malformed")
	}
	if t.Provider != OpenAI && t.APIKey == "" {
		return wrong("there is no key")
	}
	if strings.ContainsFunc(t.APIKey, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return wrong("the key has characters that no key has")
	}
	return CheckURL(t.address(), t.Private, allow)
}

// modelPath are the characters of model names in paths.
const modelPath = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./"

// CheckURL refuses base URLs that a configuration may not have, for the moment it is saved: the addresses behind its
// name are checked whenever they are dialled. private is for the operator's own configurations.
func CheckURL(base string, private bool, allow []netip.Prefix) *Error {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "" {
		return denied("it is not a URL of a host")
	}
	if u.User != nil || u.Fragment != "" {
		return denied("it has a user or a fragment")
	}
	for name := range u.Query() {
		if name != "api-version" {
			return denied("it has a query")
		}
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !private && len(allow) == 0 {
			return denied("it is not https")
		}
	default:
		return denied("it is not https")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if g := (guard{private: private, plain: u.Scheme == "http", allow: allow}); err == nil && !private && !g.allows(ip) {
		return denied("it is not a public address")
	}
	return nil
}
