package store_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"aihub/store"
)

// However many ask at once, nobody sends, and nobody is sent, more mails in a day than the limits say.
func TestMailsAreLimitedExactly(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		try := func(n int, ask func(i int) error) int64 {
			var taken atomic.Int64
			race(n, func(i int) {
				var full *store.QuotaError
				switch err := ask(i); {
				case err == nil:
					taken.Add(1)
				case errors.As(err, &full) && (full.Window != "day" || !full.ResetAt.After(noon)):
					t.Errorf("got %+v", full)
				case full == nil && !errors.Is(err, store.ErrUnavailable):
					t.Error(err)
				}
			})
			return taken.Load()
		}
		if n := try(12, func(i int) error { return a.TakeMail(t.Context(), "v_1", fmt.Sprintf("%d@a.example", i)) }); n > store.MailsOfPerson {
			t.Errorf("one person sent %d", n)
		}
		for i := range 20 {
			_ = a.TakeMail(t.Context(), "v_1", fmt.Sprintf("more%d@a.example", i)) // what contention left over
		}
		var full *store.QuotaError
		if err := a.TakeMail(t.Context(), "v_1", "x@a.example"); !errors.As(err, &full) || full.Limit != store.MailsOfPerson || full.Used != store.MailsOfPerson {
			t.Errorf("got %v", err)
		}
		if n := try(12, func(i int) error { return a.TakeMail(t.Context(), fmt.Sprintf("v_a%d", i), "Ana@a.example") }); n > store.MailsToAddress {
			t.Errorf("one address was sent %d", n)
		}
		for i := range 5 {
			_ = a.TakeMail(t.Context(), fmt.Sprintf("v_b%d", i), "ana@A.example")
		}
		if err := a.TakeMail(t.Context(), "v_c", "ANA@a.example"); !errors.As(err, &full) || full.Limit != store.MailsToAddress || full.Used != store.MailsToAddress {
			t.Errorf("got %v", err)
		}
		must(t, d.tenant("").TakeMail(t.Context(), "v_c", "ana@a.example")) // another tenant's
		d.clock.set(noon.Add(24 * time.Hour))
		must(t, a.TakeMail(t.Context(), "v_1", "ana@a.example"))
	})
}

func TestATenantsMailsAreLimited(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		for i := range int(store.MailsOfTenant) {
			must(t, a.TakeMail(t.Context(), fmt.Sprintf("v_%d", i), fmt.Sprintf("%d@a.example", i)))
		}
		var full *store.QuotaError
		if err := a.TakeMail(t.Context(), "v_x", "x@a.example"); !errors.As(err, &full) || full.Limit != store.MailsOfTenant {
			t.Errorf("got %v", err)
		}
	})
}
