package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"aihub/hub"
	"aihub/store"
)

// noticeView is what people are told before their first message, and agree to.
type noticeView struct {
	Version string            `json:"version" doc:"names the text that was agreed to"`
	Text    map[string]string `json:"text" doc:"by language"`
}

// noticeOf is the tenant's notice, or one that is made of what is known of it. A text without a version of its own is
// named by its digest, so that another text is always another version.
func noticeOf(p store.Profile) noticeView {
	v := noticeView{Version: p.Privacy.NoticeVer, Text: map[string]string{"pt-BR": p.Privacy.Notice, "en": p.Privacy.Notice}}
	if p.Privacy.Notice == "" {
		v = noticeView{Text: standardNotice(p)}
	}
	if v.Version == "" {
		v.Version = digest(v.Text["pt-BR"] + "\n" + v.Text["en"])[:12]
	}
	return v
}

func standardNotice(p store.Profile) map[string]string {
	kept, keptEn := "para o atendimento", "to help you"
	if days := p.Retention.ContentDays; days == 1 {
		kept, keptEn = "por 1 dia", "for 1 day"
	} else if days > 1 {
		kept, keptEn = fmt.Sprintf("por %d dias", days), fmt.Sprintf("for %d days", days)
	}
	return map[string]string{
		"pt-BR": fmt.Sprintf("Você conversa com um assistente de inteligência artificial de %s, controlador dos seus dados. As mensagens ficam guardadas %s e podem "+
			"ser lidas pela equipe. Não envie senhas nem dados de cartão.", p.Name, kept),
		"en": fmt.Sprintf("You are talking to an artificial intelligence assistant of %s, the controller of your data. Messages are kept %s and may be read by its "+
			"team. Do not send passwords or card numbers.", p.Name, keptEn),
	}
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// consentView says when a person agreed to a version of the notice.
type consentView struct {
	Version string `json:"version"`
	At      string `json:"at"`
}

// viewConsents shows what a person agreed to, the latest last.
func viewConsents(u store.User) []consentView {
	out := make([]consentView, 0, len(u.Consents))
	for _, version := range slices.SortedFunc(maps.Keys(u.Consents), func(a, b string) int { return u.Consents[a].At.Compare(u.Consents[b].At) }) {
		out = append(out, consentView{version, stamp(u.Consents[version].At)})
	}
	return out
}

type consentInput struct {
	Bearer
	Body struct {
		Version string `json:"version" maxLength:"40" doc:"of the notice that was shown"`
		Locale  string `json:"locale" enum:"pt-BR,en" doc:"in which it was shown"`
	}
}

// giveConsent notes that the person agreed to the present notice.
func (s *Server) giveConsent(ctx context.Context, who hub.Principal, in *consentInput) error {
	notice := noticeOf(who.Profile)
	if in.Body.Version != notice.Version {
		return hub.E("conflict")
	}
	return who.Tenant.Consent(ctx, who.User, notice.Version, digest(notice.Text[in.Body.Locale]))
}
