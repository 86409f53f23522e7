package llm

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// GuardedClient returns a client for other addresses that tenants name, such as those of identity providers: under the
// same guard as their models, without redirects, proxies and cookies, every request within the timeout. allow lists
// private addresses that may be reached all the same, plain HTTP included.
func GuardedClient(allow []netip.Prefix, timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout,
		Transport:     guarded{secure: guardedTransport(guard{allow: allow}), plain: guardedTransport(guard{plain: true, allow: allow})},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func guardedTransport(g guard) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, ControlContext: g.control}
	return &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2: true, MaxIdleConns: 16, MaxConnsPerHost: 4, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10}
}

// guarded dials plain HTTP only where private addresses are allowed.
type guarded struct{ secure, plain *http.Transport }

// RoundTrip implements http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return g.secure.RoundTrip(r)
	}
	return g.plain.RoundTrip(r)
}
