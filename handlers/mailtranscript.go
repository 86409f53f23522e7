package handlers

import (
	"context"
	"errors"
	"html/template"
	netmail "net/mail"
	"strings"
	texttemplate "text/template"
	"time"

	"aihub/hub"
	"aihub/store"
)

// A conversation as a mail to its participant. It goes to an address that nobody has checked, so that the store bounds how
// many a day sees (store.TakeMail), and it says why it came.

type mailInput struct {
	ConversationInput
	Body struct {
		Email  string `json:"email,omitempty" maxLength:"200" doc:"where to; empty: the person's own address, if it is known"`
		Locale string `json:"locale,omitempty" enum:"pt-BR,en" default:"pt-BR"`
	}
}

type mailOutput struct {
	Body struct {
		Email string `json:"email" doc:"where it is going"`
	}
}

// mailTranscript queues a conversation as a mail. That it is queued does not say that it will arrive.
func (s *Server) mailTranscript(ctx context.Context, who hub.Principal, in *mailInput) (*mailOutput, error) {
	c, err := ownConversation(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	if s.mailer == nil {
		return nil, hub.Ef("not_found", "this installation sends no mails")
	}
	to := strings.TrimSpace(in.Body.Email)
	if to == "" {
		if to, err = ownAddress(ctx, who); err != nil {
			return nil, err
		}
	}
	if a, err := netmail.ParseAddress(to); err != nil || a.Address != to || len(to) > 200 {
		return nil, hub.Ef("bad_field", "email is not an address like ana@example.com")
	}
	o, err := s.transcriptMail(ctx, who, c, in.Body.Locale)
	if err != nil {
		return nil, err
	}
	if err := who.Tenant.TakeMail(ctx, who.User, to); err != nil {
		return nil, mailsError(err)
	}
	o.to = to
	if err := s.mailer.send(o); err != nil {
		return nil, err
	}
	out := &mailOutput{}
	out.Body.Email = to
	return out, nil
}

// ownAddress is what is known of the person: of their account, or what a visitor or the distributor's server has told.
func ownAddress(ctx context.Context, who hub.Principal) (string, error) {
	if who.Role == store.RoleVisitor {
		v, err := who.Tenant.Visitor(ctx, who.User)
		return v.Answers["email"], err
	}
	u, err := who.Tenant.User(ctx, who.User)
	return u.Email, err
}

// mailsError says when mails can be sent again.
func mailsError(err error) error {
	var full *store.QuotaError
	if !errors.As(err, &full) {
		return err
	}
	e := hub.Ef("quota_exceeded", "no more mails today")
	e.ResetAt, e.ResetIn = full.ResetAt, full.ResetIn
	return e
}

// mailMost bounds the text of a mail; a longer conversation keeps its latest messages.
const mailMost = 256 << 10

// mailPage is what the texts of a mail are filled with.
type mailPage struct {
	Words    mailWords
	Name     string // the distributor's
	Title    string
	Cut      bool
	Messages []mailMessage
}

type mailMessage struct{ By, At, Text string }

type mailWords struct {
	Lang, Subject, Intro, AI, You, Cut, Partial, Why, layout string
}

// mailTexts are the words of a mail by language.
var mailTexts = map[string]mailWords{
	"pt-BR": {Lang: "pt-BR", Subject: "Sua conversa com ", Intro: "Aqui está a conversa que você pediu.", AI: "Assistente de IA", You: "Você",
		Cut: "Só as mensagens mais recentes cabem neste e-mail.", Partial: "(resposta incompleta)",
		Why: "Você recebe este e-mail porque alguém digitou o seu endereço no chat. Se não foi você, pode ignorá-lo. Ninguém lê as respostas.", layout: "02/01/2006 15:04"},
	"en": {Lang: "en", Subject: "Your conversation with ", Intro: "Here is the conversation you asked for.", AI: "AI assistant", You: "You",
		Cut: "Only the latest messages fit into this e-mail.", Partial: "(incomplete answer)",
		Why: "You get this e-mail because somebody typed your address into the chat. If it was not you, ignore it. Nobody reads replies.", layout: "2 Jan 2006, 15:04"},
}

var (
	mailText = texttemplate.Must(texttemplate.New("mail").Parse(`{{.Words.Intro}}
{{with .Title}}
{{.}}
{{end}}{{if .Cut}}
{{.Words.Cut}}
{{end}}{{range .Messages}}
{{.By}} · {{.At}}
{{.Text}}
{{end}}
--
{{.Name}}
{{.Words.Why}}
`))
	mailHTML = template.Must(template.New("mail").Parse(`<!doctype html>
<html lang="{{.Words.Lang}}"><head><meta charset="utf-8"><title>{{.Words.Subject}}{{.Name}}</title></head>
<body style="font:16px/1.5 system-ui,sans-serif;color:#1c2430;max-width:640px;margin:24px auto;padding:0 16px">
<p>{{.Words.Intro}}</p>
{{with .Title}}<h1 style="font-size:20px">{{.}}</h1>{{end}}
{{if .Cut}}<p><em>{{.Words.Cut}}</em></p>{{end}}
{{range .Messages}}<p style="margin:24px 0 4px;font-size:14px"><strong>{{.By}}</strong> · {{.At}}</p>
<div style="white-space:pre-wrap;overflow-wrap:anywhere">{{.Text}}</div>
{{end}}
<p style="margin-top:32px;border-top:1px solid #ccd2da;padding-top:12px;font-size:14px;color:#4a5361">{{.Name}}<br>{{.Words.Why}}</p>
</body></html>
`))
)

// transcriptMail writes the mail.
func (s *Server) transcriptMail(ctx context.Context, who hub.Principal, c store.Conversation, locale string) (outgoing, error) {
	newest, err := who.Tenant.Messages(ctx, c.ID, "", transcriptMax)
	if err != nil {
		return outgoing{}, err
	}
	words, ok := mailTexts[locale]
	if !ok {
		words = mailTexts["pt-BR"]
	}
	name := strings.Join(strings.Fields(viewPortal(who.Profile).Name), " ")
	p := mailPage{Words: words, Name: name, Title: c.Title, Messages: make([]mailMessage, 0, len(newest))}
	kept, size := len(newest), 0
	for i, m := range newest { // the newest first
		if size += len(m.Text); size > mailMost {
			p.Cut, kept = true, i
			break
		}
	}
	zone := zoneOf(who.Profile)
	for i := kept - 1; i >= 0; i-- {
		p.Messages = append(p.Messages, words.message(newest[i], zone))
	}
	var plain, html strings.Builder
	if err := errors.Join(mailText.Execute(&plain, p), mailHTML.Execute(&html, p)); err != nil {
		return outgoing{}, err
	}
	return outgoing{tenant: who.Tenant.ID(), conv: c.ID, from: name, subject: words.Subject + name, text: plain.String(), html: html.String()}, nil
}

func (w mailWords) message(m store.Interaction, zone *time.Location) mailMessage {
	out := mailMessage{By: w.You, At: m.At.In(zone).Format(w.layout), Text: m.Text}
	switch m.Role {
	case store.RoleAssistant:
		out.By = w.AI
		if m.Run != nil && m.Run.State != store.RunComplete {
			out.Text = strings.TrimSpace(out.Text + "\n" + w.Partial)
		}
	case store.RoleAgent:
		out.By = m.AuthorName
	}
	return out
}
