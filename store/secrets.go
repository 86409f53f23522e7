package store

import (
	"context"
	"fmt"

	"aihub/store/internal/doc"
)

// A ResealFunc makes a new sealed secret of an old one. scope is the tenant whose secret it is, "" for a global one; row is
// the id of the row that holds it.
type ResealFunc func(scope, row, sealed string) (string, error)

// Reseal replaces every sealed secret of the installation by what f makes of it, for example under a new key, and returns
// how many there were. A secret that has changed in between
// is left alone, since whoever changed it sealed it with the newest key. Reseal ends with the first error of f; what was
// done stays done, and it may be repeated.
func (s *Store) Reseal(ctx context.Context, f ResealFunc) (int, error) {
	n, err := resealConfigs(ctx, s.Global().configs, "", f)
	if err != nil {
		return n, err
	}
	m, err := resealIssuers(ctx, s.Global().issuers, "", f)
	if n += m; err != nil {
		return n, err
	}
	tenants, err := s.Directory().Tenants(ctx)
	if err != nil {
		return n, err
	}
	for _, p := range tenants {
		t := s.Tenant(p.ID)
		m, err := resealConfigs(ctx, t.configs, p.ID.s, f)
		if n += m; err != nil {
			return n, err
		}
		m, err = resealWidgetKeys(ctx, t.widgetKeys, p.ID.s, f)
		if n += m; err != nil {
			return n, err
		}
		m, err = resealIssuers(ctx, t.issuers, p.ID.s, f)
		if n += m; err != nil {
			return n, err
		}
		m, err = resealAlerts(ctx, t.profiles, p, f)
		if n += m; err != nil {
			return n, err
		}
		m, err = resealLogins(ctx, t.logins, p.ID.s, f)
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}

func resealConfigs(ctx context.Context, c doc.Coll[LLMConfig], scope string, f ResealFunc) (n int, err error) {
	err = each(ctx, c, doc.Query{}, configID, func(v LLMConfig) error {
		if v.SealedKey == "" {
			return nil
		}
		fresh, err := f(scope, v.ID, v.SealedKey)
		if err != nil {
			return fmt.Errorf("reseal the key of configuration %s: %w", v.ID, err)
		}
		ok, err := setIf(ctx, c, v.ID, doc.Eq("chave_cifrada", v.SealedKey), "chave_cifrada", fresh)
		if ok {
			n++
		}
		return err
	})
	return n, err
}

func resealIssuers(ctx context.Context, c doc.Coll[Issuer], scope string, f ResealFunc) (n int, err error) {
	err = each(ctx, c, doc.Query{}, issuerID, func(i Issuer) error {
		if i.SealedSecret == "" {
			return nil
		}
		fresh, err := f(scope, i.ID, i.SealedSecret)
		if err != nil {
			return fmt.Errorf("reseal the secret of issuer %s: %w", i.ID, err)
		}
		ok, err := setIf(ctx, c, i.ID, doc.Eq("segredo_cifrado", i.SealedSecret), "segredo_cifrado", fresh)
		if ok {
			n++
		}
		return err
	})
	return n, err
}

func resealLogins(ctx context.Context, c doc.Coll[LoginProvider], scope string, f ResealFunc) (n int, err error) {
	err = each(ctx, c, doc.Query{}, loginProviderID, func(p LoginProvider) error {
		if p.SealedSecret == "" {
			return nil
		}
		fresh, err := f(scope, p.ID, p.SealedSecret)
		if err != nil {
			return fmt.Errorf("reseal the secret of login provider %s: %w", p.ID, err)
		}
		ok, err := setIf(ctx, c, p.ID, doc.Eq("segredo_cifrado", p.SealedSecret), "segredo_cifrado", fresh)
		if ok {
			n++
		}
		return err
	})
	return n, err
}

func resealWidgetKeys(ctx context.Context, c doc.Coll[WidgetKey], scope string, f ResealFunc) (n int, err error) {
	err = each(ctx, c, doc.Query{}, func(k WidgetKey) string { return k.ID }, func(k WidgetKey) error {
		if len(k.Secrets) == 0 {
			return nil
		}
		fresh := make([]string, len(k.Secrets))
		for i, sealed := range k.Secrets {
			var err error
			if fresh[i], err = f(scope, k.ID, sealed); err != nil {
				return fmt.Errorf("reseal the secrets of widget key %s: %w", k.ID, err)
			}
		}
		ok, err := setIf(ctx, c, k.ID, doc.Eq("rev", k.Rev), "segredos_cifrados", fresh)
		if ok {
			n += len(fresh)
		}
		return err
	})
	return n, err
}

func resealAlerts(ctx context.Context, c doc.Coll[profile], p Profile, f ResealFunc) (int, error) {
	if p.Alerts.SealedSecret == "" {
		return 0, nil
	}
	fresh, err := f(p.ID.s, AlertsRow, p.Alerts.SealedSecret)
	if err != nil {
		return 0, fmt.Errorf("reseal the secret of the alerts of %s: %w", p.ID.s, err)
	}
	ok, err := setIf(ctx, c, p.ID.s, doc.Eq("alertas.segredo", p.Alerts.SealedSecret), "alertas.segredo", fresh)
	if err != nil || !ok {
		return 0, err
	}
	return 1, nil
}

func setIf[T any](ctx context.Context, c doc.Coll[T], id string, cond doc.Cond, field string, v any) (bool, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return c.Update(ctx, id, []doc.Cond{cond}, doc.Mod{Set: map[string]any{field: v}})
}
