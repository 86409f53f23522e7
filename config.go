package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A setting is one environment variable. This file is the only reader of the environment.
type setting struct {
	name, def, help string
	secret          bool
}

// settings are all variables, in the order --help lists them.
var settings = []setting{
	{name: "AIHUB_ADDR", def: "127.0.0.1:8080", help: "address that serves people, HOST:PORT; port 0 picks a free one"},
	{name: "AIHUB_OPS_ADDR", def: "", help: "address for operators alone: /metrics, /debug/pprof, health; unset: none"},
	{name: "AIHUB_ENV", def: "development", help: "development or production; development makes a demo in an empty store"},
	{name: "AIHUB_DATA", def: "data", help: "directory of the embedded database, the embedded bus and the development key"},
	{name: "AIHUB_MASTER_KEY", help: "32 bytes in base64 or hex that seal keys and sign tokens; production requires it, development makes one", secret: true},
	{name: "AIHUB_MASTER_KEY_PREVIOUS", help: "the key before a rotation; what it sealed can still be opened", secret: true},
	{name: "AIHUB_PUBLIC_URL", help: "https://… address that browsers use; production requires it"},
	{name: "AIHUB_DRAIN", def: "20", help: "seconds that live answers may finish in when the program stops, 0 to 600"},
	{name: "AIHUB_ACCESS_TTL", def: "900", help: "life of an access token in seconds, 5 to 86400"},
	{name: "AIHUB_DEMO_PASSWORD", def: "demo-aihub", help: "password of the demo's users, 8 to 256 bytes", secret: true},
	{name: "AIHUB_LLM_NETWORKS", help: "private networks that distributors' model addresses may reach, like 10.1.0.0/16,fd00::/8; default none, in development loopback"},
	{name: "AIHUB_SMTP_URL", help: "server that takes mails: smtp://user:password@host:587 (STARTTLS is required) or smtps://…; unset: no mails are sent", secret: true},
	{name: "AIHUB_SMTP_FROM", help: "address that mails come from, like atendimento@hub.example.com"},
	{name: "AIHUB_OTLP_ENDPOINT", help: "address of an OpenTelemetry collector, like http://collector:4318/v1/traces; unset: no spans"},
	{name: "MONGODB_URI", help: "database; unset: embedded SQLite in AIHUB_DATA, for a single instance", secret: true},
	{name: "NATS_URL", help: "bus between instances; unset: embedded in this process, for a single instance", secret: true},
	{name: "NATS_REPLICAS", def: "1", help: "copies of the live log that a NATS cluster keeps: 1, 3 or 5"},
	{name: "OPENAI_API_KEY", help: "with an empty store: key of the global model configuration", secret: true},
	{name: "OPENAI_BASE_URL", help: "with an empty store: an OpenAI-compatible server; unset: OpenAI's own"},
	{name: "OPENAI_MODEL", def: "gpt-4o-mini", help: "with an empty store: the model to ask there"},
	{name: "GEMINI_API_KEY", help: "with an empty store: key of a global Gemini configuration, the reserve of OpenAI's", secret: true},
	{name: "GEMINI_MODEL", def: "gemini-2.5-flash", help: "with an empty store: the model to ask there"},
}

// config is the checked configuration.
type config struct {
	addr, opsAddr     string
	production        bool
	data              string
	masterKey         []byte
	previousKeys      [][]byte
	publicURL         *url.URL
	drain             time.Duration
	otlp              string
	accessTTL         time.Duration
	demoPassword      string
	networks          []netip.Prefix // private, that distributors' model addresses may reach
	mongodbURI        string
	natsURL           string
	natsReplicas      int
	openAI, gemini    provider
	smtp              *url.URL // nil: no mails are sent
	mailFrom          mail.Address
	madeDevelopmentAt string // the file of a master key that was made just now
}

// provider is a model provider named by the environment.
type provider struct{ key, baseURL, model string }

func (p provider) configured() bool { return p.key != "" || p.baseURL != "" }

// usage is the text of --help.
func usage() string {
	var b strings.Builder
	b.WriteString(`IXC AI Hub

  aihub            serves until it is told to stop (Ctrl-C, SIGTERM)
  aihub version    prints the version
  aihub healthcheck
                   exits with 0 when the instance at AIHUB_ADDR is ready, for containers
  aihub --help     prints this

For operators, on the database of the environment:

`)
	for _, t := range tasks {
		fmt.Fprintf(&b, "  aihub %s\n                   %s\n", strings.TrimSpace(t.words+" "+t.args), t.help)
	}
	b.WriteString(`
Everything is configured by environment variables:

`)
	for _, s := range settings {
		fmt.Fprintf(&b, "  %-26s %s", s.name, s.help)
		if s.def != "" && !s.secret {
			fmt.Fprintf(&b, " (default %s)", s.def)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// readConfig checks the environment. An error names the variable and what it must be, never its value.
func readConfig(getenv func(string) string) (config, error) {
	get := func(name string) string {
		if v := strings.TrimSpace(getenv(name)); v != "" {
			return v
		}
		for _, s := range settings {
			if s.name == name {
				return s.def
			}
		}
		panic("config: " + name + " is not a setting")
	}
	c := config{addr: get("AIHUB_ADDR"), opsAddr: get("AIHUB_OPS_ADDR"), data: get("AIHUB_DATA"), demoPassword: get("AIHUB_DEMO_PASSWORD"), otlp: get("AIHUB_OTLP_ENDPOINT"),
		mongodbURI: get("MONGODB_URI"), natsURL: get("NATS_URL"),
		openAI: provider{get("OPENAI_API_KEY"), get("OPENAI_BASE_URL"), get("OPENAI_MODEL")},
		gemini: provider{key: get("GEMINI_API_KEY"), model: get("GEMINI_MODEL")}}
	var err error
	switch get("AIHUB_ENV") {
	case "development":
	case "production":
		c.production = true
	default:
		return c, errors.New("AIHUB_ENV must be development or production")
	}
	if err := checkAddr(c.addr); err != nil {
		return c, fmt.Errorf("AIHUB_ADDR must be HOST:PORT, like 127.0.0.1:8080")
	}
	if c.opsAddr != "" {
		if err := checkAddr(c.opsAddr); err != nil {
			return c, fmt.Errorf("AIHUB_OPS_ADDR must be HOST:PORT, like 127.0.0.1:9090")
		}
	}
	if c.otlp != "" {
		if u, err := url.Parse(c.otlp); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return c, errors.New("AIHUB_OTLP_ENDPOINT must be an http:// or https:// address, like http://collector:4318/v1/traces")
		}
	}
	if c.drain, err = seconds(get("AIHUB_DRAIN"), 0, 600); err != nil {
		return c, errors.New("AIHUB_DRAIN must be a whole number of seconds from 0 to 600")
	}
	if c.accessTTL, err = seconds(get("AIHUB_ACCESS_TTL"), 5, 86400); err != nil {
		return c, errors.New("AIHUB_ACCESS_TTL must be a whole number of seconds from 5 to 86400")
	}
	if n := len(c.demoPassword); n < 8 || n > 256 {
		return c, errors.New("AIHUB_DEMO_PASSWORD must have 8 to 256 bytes")
	}
	if c.publicURL, err = publicURL(get("AIHUB_PUBLIC_URL"), c.production); err != nil {
		return c, err
	}
	if c.mongodbURI != "" && !strings.HasPrefix(c.mongodbURI, "mongodb://") && !strings.HasPrefix(c.mongodbURI, "mongodb+srv://") {
		return c, errors.New("MONGODB_URI must begin with mongodb:// or mongodb+srv://")
	}
	if c.natsURL != "" && c.mongodbURI == "" {
		return c, errors.New("NATS_URL is set but MONGODB_URI is not: the embedded database serves one instance only; set both, or neither")
	}
	if c.natsReplicas, err = strconv.Atoi(get("NATS_REPLICAS")); err != nil || c.natsReplicas != 1 && c.natsReplicas != 3 && c.natsReplicas != 5 {
		return c, errors.New("NATS_REPLICAS must be 1, 3 or 5")
	}
	if c.networks, err = networks(get("AIHUB_LLM_NETWORKS"), c.production); err != nil {
		return c, errors.New("AIHUB_LLM_NETWORKS must be networks separated by commas, like 10.1.0.0/16,fd00::/8")
	}
	if c.smtp, c.mailFrom, err = smtpServer(get("AIHUB_SMTP_URL"), get("AIHUB_SMTP_FROM")); err != nil {
		return c, err
	}
	if c.openAI.baseURL != "" {
		if u, err := url.Parse(c.openAI.baseURL); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return c, errors.New("OPENAI_BASE_URL must be an http:// or https:// address, like https://api.openai.com/v1")
		}
	}
	if previous := get("AIHUB_MASTER_KEY_PREVIOUS"); previous != "" {
		key, ok := decodeKey(previous)
		if !ok {
			return c, errors.New("AIHUB_MASTER_KEY_PREVIOUS must be 32 bytes in base64 or hex")
		}
		c.previousKeys = append(c.previousKeys, key)
	}
	return c, c.findMasterKey(get("AIHUB_MASTER_KEY"))
}

// networks reads a list of networks; in development loopback is the default, so that a model may run beside the program.
func networks(list string, production bool) ([]netip.Prefix, error) {
	if list == "" && !production {
		list = "127.0.0.0/8,::1/128"
	}
	var out []netip.Prefix
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// findMasterKey takes the given key, or, in development, the data directory's, which is made when there is none.
func (c *config) findMasterKey(given string) error {
	var ok bool
	if given != "" {
		if c.masterKey, ok = decodeKey(given); !ok {
			return errors.New("AIHUB_MASTER_KEY must be 32 bytes in base64 or hex, as `openssl rand -base64 32` prints")
		}
		return nil
	}
	if c.production {
		return errors.New("AIHUB_MASTER_KEY is required in production: 32 bytes in base64 or hex, as `openssl rand -base64 32` prints")
	}
	if err := os.MkdirAll(c.data, 0o700); err != nil {
		return fmt.Errorf("AIHUB_DATA must be a directory that can be written: %w", err)
	}
	path := filepath.Join(c.data, "master.key")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		c.masterKey = make([]byte, 32)
		_, _ = rand.Read(c.masterKey) // never fails (crypto/rand)
		c.madeDevelopmentAt = path
		if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(c.masterKey)+"\n"), 0o600); err != nil {
			return fmt.Errorf("AIHUB_DATA must be a directory that can be written: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the development key: %w", err)
	}
	if c.masterKey, ok = decodeKey(strings.TrimSpace(string(text))); !ok {
		return fmt.Errorf("%s does not hold 32 bytes in base64; restore it, or delete the data directory with it", path)
	}
	return nil
}

func decodeKey(s string) ([]byte, bool) {
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawURLEncoding.DecodeString} {
		if key, err := decode(s); err == nil && len(key) == 32 {
			return key, true
		}
	}
	return nil, false
}

func checkAddr(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(port)
	if err == nil && (n < 0 || n > 65535) {
		err = errors.New("no such port")
	}
	return err
}

func seconds(s string, low, high int) (time.Duration, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return 0, errors.New("out of range")
	}
	return time.Duration(n) * time.Second, nil
}

func publicURL(s string, production bool) (*url.URL, error) {
	if s == "" {
		if production {
			return nil, errors.New("AIHUB_PUBLIC_URL is required in production: the https:// address that browsers use")
		}
		return nil, nil
	}
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err != nil || (u.Scheme != "https" && (u.Scheme != "http" || production)) || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" {
		return nil, errors.New("AIHUB_PUBLIC_URL must be an address without a path, like https://hub.example.com (http:// only in development)")
	}
	return u, nil
}

// smtpServer reads where mails are handed over and whom they come from; neither or both are given.
func smtpServer(server, from string) (*url.URL, mail.Address, error) {
	if server == "" && from == "" {
		return nil, mail.Address{}, nil
	}
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, mail.Address{}, errors.New("AIHUB_SMTP_URL must be like smtp://user:password@mail.example.com:587 or smtps://…; AIHUB_SMTP_FROM needs it")
	}
	a, err := mail.ParseAddress(from)
	if err != nil {
		return nil, mail.Address{}, errors.New("AIHUB_SMTP_FROM must be an address, like atendimento@hub.example.com; AIHUB_SMTP_URL needs it")
	}
	return u, *a, nil
}
