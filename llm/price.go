package llm

import (
	"math"
	"math/bits"
)

// A Price is what a model costs: micro-units of a currency (millionths of a real, say) per million tokens. A nil field is
// unknown, which is not the same as free.
type Price struct {
	In, Out   *int64
	CachedIn  *int64 // nil: as In
	Reasoning *int64 // nil: as Out
}

// Cost is what the usage costs in micro-units, rounded up; false when a price that it needs is unknown. It saturates
// instead of overflowing.
func (p Price) Cost(u Usage) (int64, bool) {
	cached, thought := min(u.CachedIn, u.In), min(u.Reasoning, u.Out)
	parts := []struct {
		tokens int64
		price  *int64
	}{
		{u.In - cached, p.In},
		{cached, first(p.CachedIn, p.In)},
		{u.Out - thought, p.Out},
		{thought, first(p.Reasoning, p.Out)},
	}
	var hi, lo uint64 // tokens × price, summed before the division so that it is rounded once
	for _, part := range parts {
		if part.tokens <= 0 {
			continue
		}
		if part.price == nil || *part.price < 0 {
			return 0, false
		}
		h, l := bits.Mul64(uint64(part.tokens), uint64(*part.price))
		var carry uint64
		lo, carry = bits.Add64(lo, l, 0)
		hi += h + carry
	}
	const million = 1_000_000
	lo, carry := bits.Add64(lo, million-1, 0)
	if hi += carry; hi >= million {
		return math.MaxInt64, true
	}
	cost, _ := bits.Div64(hi, lo, million)
	return int64(min(cost, math.MaxInt64)), true
}

func first(prices ...*int64) *int64 {
	for _, p := range prices {
		if p != nil {
			return p
		}
	}
	return nil
}
