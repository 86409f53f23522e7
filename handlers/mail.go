package handlers

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/textproto"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/wneessen/go-mail"

	"aihub/hub"
	"aihub/store"
)

const (
	// mailQueue is how many mails may wait; who asks for another one is refused.
	mailQueue = 100
	// mailTime is how long one try to hand a mail over may take, from the connection to the server's last word.
	mailTime = 30 * time.Second
)

// mailPauses are the waits before a mail that the server could not take just now is tried again.
var mailPauses = []time.Duration{2 * time.Second, 10 * time.Second}

// MailOptions say how mails leave the installation. Server and From are required.
type MailOptions struct {
	Server  *url.URL              // smtp://user:password@host:port, or smtps://
	From    netmail.Address       // the name is replaced by the distributor's
	Logger  *slog.Logger          // required
	Metrics prometheus.Registerer // nil: nothing is counted
	Roots   *x509.CertPool        // who may vouch for the server; nil: whom the system trusts
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Mailer hands mails to one SMTP server, one after the other, from a queue in memory. Its goroutine runs from NewMailer
// until Close. It is safe for concurrent use.
type Mailer struct {
	o       MailOptions
	sent    *prometheus.CounterVec
	queue   chan outgoing
	stop    context.CancelFunc // ends the tries
	closing chan struct{}
	done    chan struct{}

	mu     sync.Mutex
	closed bool
}

// outgoing is a mail that waits. Of it a log has only whose it is.
type outgoing struct {
	tenant              store.TenantID
	conv                string
	to                  string
	from                string // the name beside the address of all mails
	subject, text, html string
}

// NewMailer starts a mailer.
func NewMailer(o MailOptions) (*Mailer, error) {
	ctx, stop := context.WithCancel(context.Background())
	m := &Mailer{o: o, queue: make(chan outgoing, mailQueue), stop: stop, closing: make(chan struct{}), done: make(chan struct{}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aihub_mails_total", Help: "Mails by what became of them: sent, failed, refused (the queue was full)."}, []string{"result"})}
	if m.o.Dial == nil {
		m.o.Dial = (&net.Dialer{}).DialContext
	}
	if o.Metrics != nil {
		if err := o.Metrics.Register(m.sent); err != nil {
			stop()
			return nil, err
		}
	}
	go m.work(ctx)
	return m, nil
}

// Close takes no more mails and waits until those that wait have been tried once, or until ctx ends; then they are lost.
func (m *Mailer) Close(ctx context.Context) error {
	m.mu.Lock()
	if !m.closed {
		m.closed = true
		close(m.closing)
		close(m.queue)
	}
	m.mu.Unlock()
	defer m.stop()
	select {
	case <-m.done:
		return nil
	case <-ctx.Done():
		m.stop()
		<-m.done
		return ctx.Err()
	}
}

// send queues a mail. Errors are *hub.Error.
func (m *Mailer) send(o outgoing) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return hub.E("draining")
	}
	select {
	case m.queue <- o:
		return nil
	default:
		m.sent.WithLabelValues("refused").Inc()
		e := hub.Ef("rate_limited", "too many mails are waiting to be sent")
		e.Retry, e.RetryIn = true, time.Minute
		return e
	}
}

func (m *Mailer) work(ctx context.Context) {
	defer close(m.done)
	for o := range m.queue {
		err := m.deliver(ctx, o)
		if err == nil {
			m.sent.WithLabelValues("sent").Inc()
			continue
		}
		m.sent.WithLabelValues("failed").Inc()
		m.o.Logger.Warn("mail not sent", "tenant", o.tenant.String(), "conversation", o.conv, "reason", mailFault(err))
	}
}

// deliver tries until the server has taken the mail, has refused it for good, or has been given enough time.
func (m *Mailer) deliver(ctx context.Context, o outgoing) error {
	for try := 0; ; try++ {
		err := m.try(ctx, o)
		if err == nil || !passing(err) || try == len(mailPauses) {
			return err
		}
		select {
		case <-time.After(mailPauses[try]):
		case <-m.closing:
			return err
		case <-ctx.Done():
			return err
		}
	}
}

// try hands a mail over, within mailTime whatever the server does.
func (m *Mailer) try(ctx context.Context, o outgoing) error {
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	message, err := m.compose(o)
	if err != nil {
		return err
	}
	var conn net.Conn
	defer func() {
		if conn != nil { // the library leaves it open where the greeting fails
			_ = conn.Close()
		}
	}()
	client, err := m.client(func(inner context.Context, network, address string) (net.Conn, error) {
		c, err := m.o.Dial(inner, network, address)
		if err != nil {
			return nil, err
		}
		conn = c
		context.AfterFunc(ctx, func() { _ = c.Close() }) // the library knows a deadline for each step only
		if m.o.Server.Scheme != "smtps" {
			return c, nil
		}
		secure := tls.Client(c, m.tls())
		return secure, secure.HandshakeContext(inner)
	})
	if err != nil {
		return err
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	if err := client.SendWithSMTPClient(session, message); err != nil {
		return err
	}
	_ = client.CloseWithSMTPClient(session) // the mail is the server's already
	return nil
}

func (m *Mailer) tls() *tls.Config {
	return &tls.Config{ServerName: m.o.Server.Hostname(), RootCAs: m.o.Roots, MinVersion: tls.VersionTLS12}
}

// client prepares a connection. Neither password nor mail leaves this machine unencrypted.
func (m *Mailer) client(dial func(ctx context.Context, network, address string) (net.Conn, error)) (*mail.Client, error) {
	u := m.o.Server
	port, policy := 587, mail.TLSMandatory
	plain, login := mail.SMTPAuthPlain, mail.SMTPAuthLogin
	if own(u.Hostname()) {
		policy, plain, login = mail.TLSOpportunistic, mail.SMTPAuthPlainNoEnc, mail.SMTPAuthLoginNoEnc
	}
	options := []mail.Option{mail.WithTimeout(mailTime), mail.WithTLSConfig(m.tls()), mail.WithDialContextFunc(dial), mail.WithoutNoop(), mail.WithoutRset()}
	if u.Scheme == "smtps" {
		port = 465
		options = append(options, mail.WithSSL())
	}
	if given, err := strconv.Atoi(u.Port()); err == nil {
		port = given
	}
	if name := u.User.Username(); name != "" {
		password, _ := u.User.Password()
		options = append(options, mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, plain, login), mail.WithUsername(name), mail.WithPassword(password))
	}
	return mail.NewClient(u.Hostname(), append(options, mail.WithPort(port), mail.WithTLSPolicy(policy))...)
}

// own reports whether a name is this machine's.
func own(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (m *Mailer) compose(o outgoing) (*mail.Msg, error) {
	message := mail.NewMsg()
	if err := message.FromFormat(cmp.Or(o.from, m.o.From.Name), m.o.From.Address); err != nil {
		return nil, err
	}
	if err := message.To(o.to); err != nil {
		return nil, err
	}
	message.Subject(o.subject)
	message.SetDate()
	message.SetMessageID()
	message.SetGenHeader("Auto-Submitted", "auto-generated") // so that no machine answers
	message.SetBodyString(mail.TypeTextPlain, o.text)
	message.AddAlternativeString(mail.TypeTextHTML, o.html)
	return message, nil
}

// passing reports whether another try makes sense and can't bring the mail twice.
func passing(err error) bool {
	var refused *mail.SendError
	var reply *textproto.Error
	var network *net.OpError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode() == 0:
		return refused.Reason != mail.ErrSMTPDataClose // the server may have taken it
	case errors.As(err, &refused):
		return refused.IsTemp()
	case errors.As(err, &reply):
		return reply.Code/100 == 4
	case errors.As(err, &network):
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, context.DeadlineExceeded)
}

// mailFault is what a log may say of a failure: addresses and what the server quoted stay out of it.
func mailFault(err error) string {
	var refused *mail.SendError
	var unknown x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var network *net.OpError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode() != 0:
		return "the server answered " + strconv.Itoa(refused.ErrorCode()) + " (" + refused.Reason.String() + ")"
	case errors.As(err, &refused):
		return refused.Reason.String()
	case errors.As(err, &unknown), errors.As(err, &wrongName):
		return "the server's certificate is not trusted"
	case errors.As(err, &network):
		return "the server can't be reached: " + network.Op
	}
	return "the server refused the connection, its encryption or the password"
}
