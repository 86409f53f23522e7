package handlers

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"aihub/store"
)

// smtpServer takes mails as a test tells it to, over real sockets.
type smtpServer struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	// What it does.
	noTLS    bool              // offers no encryption
	implicit bool              // TLS from the first byte
	answers  chan string       // instead of the next "250" to RCPT
	hold     chan struct{}     // says nothing until it is closed
	got      chan receivedMail // what it took

	mu    sync.Mutex
	conns []net.Conn
}

type receivedMail struct {
	user, password, from, to, data string
	encrypted                      bool
}

func newSMTP(t *testing.T, change func(*smtpServer)) *smtpServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.example"}, DNSNames: []string{"mail.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	s := &smtpServer{t: t, roots: x509.NewCertPool(), answers: make(chan string, 10), got: make(chan receivedMail, 200),
		tls: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}
	s.roots.AddCert(cert)
	if change != nil {
		change(s)
	}
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			serving.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = s.listener.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			_ = c.Close()
		}
		s.mu.Unlock()
		serving.Wait()
	})
	return s
}

func (s *smtpServer) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	m := receivedMail{encrypted: s.implicit}
	if s.implicit {
		c = tls.Server(c, s.tls)
	}
	if s.hold != nil {
		<-s.hold
		return
	}
	in := bufio.NewReader(c)
	say := func(text string) { _, _ = io.WriteString(c, text+"\r\n") }
	say("220 mail.example")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch line = strings.TrimSpace(line); strings.ToUpper(strings.SplitN(line, " ", 2)[0]) {
		case "EHLO", "HELO":
			say("250-mail.example")
			if !s.noTLS && !m.encrypted {
				say("250-STARTTLS")
			}
			say("250-8BITMIME")
			say("250 AUTH PLAIN LOGIN")
		case "STARTTLS":
			say("220 go")
			secure := tls.Server(c, s.tls)
			if secure.Handshake() != nil {
				return
			}
			c, m.encrypted = secure, true
			in = bufio.NewReader(c)
		case "AUTH":
			plain, _ := base64.StdEncoding.DecodeString(line[strings.LastIndex(line, " ")+1:])
			if parts := bytes.Split(plain, []byte{0}); len(parts) == 3 {
				m.user, m.password = string(parts[1]), string(parts[2])
			}
			say("235 fine")
		case "MAIL":
			m.from = line
			say("250 fine")
		case "RCPT":
			m.to = line
			select {
			case answer := <-s.answers:
				say(answer)
			default:
				say("250 fine")
			}
		case "DATA":
			say("354 go")
			var data strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				data.WriteString(strings.TrimPrefix(line, "."))
			}
			m.data = data.String()
			s.got <- m
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

// mailer sends to s under the name that the address has, with log for what it says.
func (s *smtpServer) mailer(t *testing.T, address string, log io.Writer) *Mailer {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	m, err := NewMailer(MailOptions{Server: u, From: netmail.Address{Name: "Hub", Address: "chat@hub.example"}, Logger: slog.New(slog.NewTextHandler(log, nil)), Roots: s.roots,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.listener.Addr().String())
		}})
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = m.Close(ctx)
	})
	return m
}

func (s *smtpServer) next() receivedMail {
	s.t.Helper()
	select {
	case m := <-s.got:
		return m
	case <-time.After(20 * time.Second):
		s.t.Fatal("no mail came")
	}
	return receivedMail{}
}

// parts are the header and the plain and HTML text of a mail.
func (m receivedMail) parts(t *testing.T) (head netmail.Header, plain, html string) {
	t.Helper()
	message, err := netmail.ReadMessage(strings.NewReader(m.data))
	must(t, err)
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	must(t, err)
	r := multipart.NewReader(message.Body, params["boundary"])
	var texts []string
	for {
		part, err := r.NextRawPart()
		if err == io.EOF {
			break
		}
		must(t, err)
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		must(t, err)
		texts = append(texts, string(text))
	}
	if len(texts) != 2 {
		t.Fatalf("%d parts: %s", len(texts), m.data)
	}
	return message.Header, texts[0], texts[1]
}

const mailServerURL = "smtp://carteiro:s3cret@mail.example:2525"

// A person asks for a conversation and it comes: encrypted, to where they said, in their language, with what people wrote
// as text and nothing else.
func TestAConversationComesByMail(t *testing.T) {
	s := newSite(t)
	server := newSMTP(t, nil)
	var log bytes.Buffer
	s.edge.mailer = server.mailer(t, mailServerURL, &log)
	conv := s.converse("alfa usuario", "Olá <script>alert(1)</script>\r\nBcc: todos@example.com\r\n.\r\nfim")
	must(t, s.tenant["alfa"].AddMessage(t.Context(), store.Interaction{ID: store.NewID("m"), ConversationID: conv, Role: store.RoleAssistant, Text: "Bom dia & **bem-vindo**", At: time.Now(),
		Run: &store.Run{ID: store.NewID("r"), State: store.RunStopped}}))
	must(t, s.tenant["alfa"].AddMessage(t.Context(), store.Interaction{ID: store.NewID("m"), ConversationID: conv, Role: store.RoleAgent, AuthorName: "Paula", Text: "Aqui é a Paula.", At: time.Now()}))
	path := "/api/v1/conversations/" + conv + "/transcript/email"

	a := s.do("alfa usuario", "POST", path, map[string]any{"email": "ana@example.com"})
	if a.want(t, 202, ""); !strings.Contains(a.body, `"email":"ana@example.com"`) {
		t.Error(a.body)
	}
	m := server.next()
	if !m.encrypted || m.user != "carteiro" || m.password != "s3cret" || !strings.Contains(m.from, "<chat@hub.example>") || !strings.Contains(m.to, "<ana@example.com>") {
		t.Errorf("got %+v", m)
	}
	head, plain, html := m.parts(t)
	from, err := head.AddressList("From")
	must(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(head.Get("Subject"))
	must(t, err)
	if from[0].Name != "Provedor alfa" || subject != "Sua conversa com Provedor alfa" || head.Get("Bcc") != "" || head.Get("Auto-Submitted") != "auto-generated" || head.Get("Message-Id") == "" {
		t.Errorf("header %v", head)
	}
	for _, part := range []string{"Você · ", "Olá <script>alert(1)</script>", "\r\n.\r\nfim", "Assistente de IA · ", "Bom dia & **bem-vindo**", "(resposta incompleta)", "Paula · ", "alguém digitou o seu endereço"} {
		if !strings.Contains(plain, part) {
			t.Errorf("the text lacks %q:\n%s", part, plain)
		}
	}
	if strings.Contains(html, "<script") || !strings.Contains(html, "&lt;script&gt;alert(1)&lt;/script&gt;") || !strings.Contains(html, "Bom dia &amp; **bem-vindo**") || !strings.Contains(html, `lang="pt-BR"`) {
		t.Errorf("the HTML is %s", html)
	}

	s.do("alfa usuario", "POST", path, map[string]any{"locale": "en"}).want(t, 202, "") // to their own address
	m = server.next()
	if head, plain, _ = m.parts(t); !strings.Contains(m.to, "<usuario@alfa.example>") || head.Get("Subject") != "Your conversation with Provedor alfa" || !strings.Contains(plain, "AI assistant · ") {
		t.Errorf("to %s: %v %s", m.to, head, plain)
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", log.String())
	}
}

func TestWhoMaySendWhatToWhom(t *testing.T) {
	s := newSite(t)
	conv := s.converse("alfa usuario", "Olá")
	path := "/api/v1/conversations/" + conv + "/transcript/email"
	s.do("alfa usuario", "POST", path, map[string]any{}).want(t, 404, "not_found") // no server is configured
	server := newSMTP(t, nil)
	s.edge.mailer = server.mailer(t, mailServerURL, io.Discard)
	s.do("alfa supervisor", "POST", path, map[string]any{}).want(t, 403, "forbidden")
	s.do("beta usuario", "POST", path, map[string]any{}).want(t, 404, "not_found")
	for _, address := range []string{"ana", "ana@example.com, bia@example.com", "Ana <ana@example.com>", "ana@example.com\r\nBcc: x@example.com", "\u0000@x.example", strings.Repeat("a", 190) + "@example.com"} {
		s.do("alfa usuario", "POST", path, map[string]any{"email": address}).want(t, 422, "bad_field")
	}
	for i := range store.MailsOfPerson {
		s.do("alfa usuario", "POST", path, map[string]any{"email": fmt.Sprintf("%d@example.com", i)}).want(t, 202, "")
		server.next()
	}
	a := s.do("alfa usuario", "POST", path, map[string]any{"email": "one-more@example.com"})
	if a.want(t, 429, "quota_exceeded"); !strings.Contains(a.body, "reset_at") || a.Header.Get("Retry-After") == "" {
		t.Error(a.body)
	}
}

// A visitor sends their own conversation to the address they gave before; another's they do not even see.
func TestAVisitorsConversationComesByMail(t *testing.T) {
	s := newSite(t)
	server := newSMTP(t, nil)
	s.edge.mailer = server.mailer(t, mailServerURL, io.Discard)
	k := s.widgetKey("alfa", func(k *store.WidgetKey) { k.Fields = []store.Field{{Name: "email"}} })
	ana := s.visitor(map[string]any{"key": k.ID, "fields": map[string]any{"email": "ana@example.com"}})
	bia := s.visitor(map[string]any{"key": k.ID})
	conv := s.ask(s.visitorSocket(k.ID, ana.AccessToken), "1", "Olá")
	path := "/api/v1/conversations/" + conv + "/transcript/email"
	s.as(ana.AccessToken, "POST", path, map[string]any{}).want(t, 202, "")
	if m := server.next(); !strings.Contains(m.to, "<ana@example.com>") {
		t.Errorf("to %s", m.to)
	}
	s.as(bia.AccessToken, "POST", path, map[string]any{"email": "bia@example.com"}).want(t, 404, "not_found")
	own := s.ask(s.visitorSocket(k.ID, bia.AccessToken), "1", "Olá")
	s.as(bia.AccessToken, "POST", "/api/v1/conversations/"+own+"/transcript/email", map[string]any{}).want(t, 422, "bad_field") // no address is known
}

// What can't be encrypted, or whose certificate nobody vouches for, is not sent; the log says why and quotes nothing.
func TestMailsLeaveEncryptedOrNotAtAll(t *testing.T) {
	for name, c := range map[string]struct {
		address string
		change  func(*smtpServer)
		why     string
	}{
		"STARTTLS":                {address: mailServerURL},
		"TLS from the first byte": {address: "smtps://carteiro:s3cret@mail.example", change: func(s *smtpServer) { s.implicit = true }},
		"this machine":            {address: "smtp://carteiro:s3cret@127.0.0.1:25", change: func(s *smtpServer) { s.noTLS = true }},
		"no STARTTLS":             {mailServerURL, func(s *smtpServer) { s.noTLS = true }, "encryption"},
		"a stranger":              {mailServerURL, func(s *smtpServer) { s.roots = x509.NewCertPool() }, "certificate"},
		"another's name":          {"smtp://carteiro:s3cret@other.example", nil, "certificate"},
		"refused for good":        {mailServerURL, func(s *smtpServer) { s.answers <- "550 5.1.1 <ana@example.com> s3cret" }, "550"},
	} {
		t.Run(name, func(t *testing.T) {
			server := newSMTP(t, c.change)
			var log bytes.Buffer
			m := server.mailer(t, c.address, &log)
			must(t, m.send(outgoing{conv: "c_1", to: "ana@example.com", subject: "x", text: "x", html: "x"}))
			must(t, m.Close(t.Context()))
			if c.why == "" {
				if got := server.next(); got.password != "s3cret" || got.encrypted == server.noTLS {
					t.Errorf("got %+v", got)
				}
				return
			}
			if len(server.got) > 0 {
				t.Errorf("it was sent: %+v", <-server.got)
			}
			if text := log.String(); !strings.Contains(text, c.why) || strings.Contains(text, "s3cret") || strings.Contains(text, "ana@") || strings.Contains(text, "carteiro") {
				t.Errorf("logged %s", text)
			}
		})
	}
}

func TestAMailIsTriedAgainWhenTheServerSaysSo(t *testing.T) {
	server := newSMTP(t, func(s *smtpServer) { s.answers <- "451 later" })
	m := server.mailer(t, mailServerURL, io.Discard)
	must(t, m.send(outgoing{to: "ana@example.com", subject: "x", text: "x", html: "x"}))
	server.next()
}

// A server that says nothing holds up one mail. The queue takes so many, refuses the rest, and ends when it is told to.
func TestTheQueueOfMailsIsBounded(t *testing.T) {
	server := newSMTP(t, func(s *smtpServer) { s.hold = make(chan struct{}) })
	t.Cleanup(func() { close(server.hold) })
	m := server.mailer(t, mailServerURL, io.Discard)
	refused := 0
	for range mailQueue + 5 {
		if err := m.send(outgoing{to: "ana@example.com", subject: "x", text: "x", html: "x"}); err != nil {
			if p := problemOf(err); p.Status != 429 || p.RetryMS == 0 {
				t.Errorf("got %+v", p)
			}
			refused++
		}
	}
	if refused < 4 || refused > 5 { // one may be under way
		t.Errorf("%d were refused", refused)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := m.Close(ctx); err == nil {
		t.Error("it closed as if all had been sent")
	}
	if p := problemOf(m.send(outgoing{})); p.Code != "draining" {
		t.Errorf("got %+v", p)
	}
}
