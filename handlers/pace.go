package handlers

import (
	"net/netip"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"aihub/hub"
)

// paces bound how often the REST interface may be asked, on this instance: it protects what every request costs. What may be
// spent is bounded by the quota, over all instances. Who asks is taken from a verified token; an address is one sign among
// others, as many people may share one.
type paces struct {
	people    *pace // users and visitors
	tenants   *pace
	addresses *pace // of those who begin a visitor's session
	origins   *pace // of the pages on which they do, for each key
	doors     *pace // addresses of those who give a password: checking one costs more than most requests do
}

// The paces in requests a second and at once. A person's is below a tenant's, and an address's below a page's, so that one
// alone never takes what the others need.
func newPaces(now func() time.Time) *paces {
	return &paces{people: newPace(20, 200, 20_000, now), tenants: newPace(500, 2000, 4096, now),
		addresses: newPace(10, 100, 20_000, now), origins: newPace(100, 500, 4096, now), doors: newPace(2, 100, 20_000, now)}
}

// subject is who a token speaks for.
type subject struct{ tenant, user string }

// ask counts a request of a person.
func (p *paces) ask(by subject) error {
	if err := p.people.take(by.tenant + "\x00" + by.user); err != nil {
		return err
	}
	return p.tenants.take(by.tenant)
}

// arrive counts a request for a visitor's session, before anything is looked up for it.
func (p *paces) arrive(address netip.Addr) error { return p.addresses.takeFrom(address) }

// knock counts a password that is given, whosever it is: wrong ones are counted for each name besides.
func (p *paces) knock(address netip.Addr) error { return p.doors.takeFrom(address) }

// visit counts it for the page, once the key allows that page.
func (p *paces) visit(key, origin string) error { return p.origins.take(key + "\x00" + origin) }

// A pace is one token bucket for each subject. When it is full, the subject that has not asked for the longest is forgotten,
// whose bucket has filled up most.
type pace struct {
	every   rate.Limit
	burst   int
	now     func() time.Time
	buckets *lru.Cache[string, *rate.Limiter]
}

func newPace(perSecond float64, burst, subjects int, now func() time.Time) *pace {
	buckets, err := lru.New[string, *rate.Limiter](subjects)
	if err != nil {
		panic("handlers: " + err.Error()) // only for a size that is not positive
	}
	return &pace{every: rate.Limit(perSecond), burst: burst, now: now, buckets: buckets}
}

// takeFrom counts one request from an address; one that is not known is not counted.
func (p *pace) takeFrom(address netip.Addr) error {
	if !address.IsValid() {
		return nil
	}
	if address.Is6() { // a household has at least that many
		address = netip.PrefixFrom(address, 64).Masked().Addr()
	}
	return p.take(address.String())
}

// take counts one request of a subject; rate_limited says when the next one may come.
func (p *pace) take(subject string) error {
	bucket, known := p.buckets.Get(subject)
	if !known {
		bucket = rate.NewLimiter(p.every, p.burst)
		if other, known, _ := p.buckets.PeekOrAdd(subject, bucket); known {
			bucket = other
		}
	}
	now := p.now()
	if bucket.AllowN(now, 1) {
		return nil
	}
	e := hub.Ef("rate_limited", "too many requests; slow down")
	missing := 1 - bucket.TokensAt(now)
	e.RetryIn = max(time.Millisecond, time.Duration(missing/float64(p.every)*float64(time.Second)))
	return e
}

// cameFrom is the public address of who asks; the zero address: it is not known. A peer of a private network is a balancer,
// which has written the last address of X-Forwarded-For; what clients write there themselves comes before it.
func cameFrom(peer, forwarded string) netip.Addr {
	if at, err := netip.ParseAddrPort(peer); err == nil && outside(at.Addr()) {
		return at.Addr().Unmap()
	}
	last := forwarded[strings.LastIndexByte(forwarded, ',')+1:]
	if address, err := netip.ParseAddr(strings.TrimSpace(last)); err == nil && outside(address) {
		return address.Unmap()
	}
	return netip.Addr{}
}

// outside reports whether an address is of no private network.
func outside(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate()
}
