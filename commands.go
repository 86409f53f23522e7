package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"aihub/handlers"
	"aihub/llm"
	"aihub/store"
)

// A task is a command for operators who have only a shell. It works on the database of the environment, also while
// instances serve.
type task struct {
	words, args, help string
	do                func(context.Context, *shell, []string) error
}

// tasks are all of them, in the order --help lists them. Passwords are read from the standard input, never from arguments.
var tasks = []task{
	{"tenant add", "SLUG NAME EMAIL ADMIN-NAME [TIMEZONE [CURRENCY]]", "adds a distributor with its first administrator (password on stdin)", addTenant},
	{"tenant list", "", "lists distributors", listTenants},
	{"tenant suspend", "SLUG", "suspends a distributor", setTenant(store.StateSuspended)},
	{"tenant resume", "SLUG", "lets a distributor go on, or takes its deletion back", setTenant(store.StateActive)},
	{"user add", "SLUG EMAIL NAME ROLE", "adds a person: usuario, supervisor or admin (password on stdin)", addUser},
	{"user passwd", "SLUG EMAIL", "sets a person's password (on stdin) and ends their sessions", setPassword},
	{"operator add", "EMAIL NAME", "adds an operator of the installation (password on stdin)", addOperator},
	{"keys rotate", "", "seals all stored keys under AIHUB_MASTER_KEY; AIHUB_MASTER_KEY_PREVIOUS opens them", rotateKeys},
	{"audit verify", "[SLUG]", "proves that audit logs are what was written, and prints their heads", verifyAudit},
	{"backup", "FILE", "writes the embedded database to a new file", backup},
	{"restore", "FILE", "makes the embedded database of a backup; there must be none", restore},
	{"migrate-store", "", "copies the embedded database into that of MONGODB_URI; nothing may be serving", migrateStore},
}

// shell is what a task works with.
type shell struct {
	config config
	in     io.Reader
	out    io.Writer
	log    *slog.Logger
	db     *store.Store // nil for tasks that work on files
	sealer *llm.Sealer
}

// findTask returns the task that the arguments name, and what follows its words.
func findTask(args []string) (task, []string, bool) {
	for _, t := range tasks {
		words := strings.Fields(t.words)
		if len(args) >= len(words) && strings.Join(args[:len(words)], " ") == t.words {
			return t, args[len(words):], true
		}
	}
	return task{}, nil, false
}

// perform runs a task and returns the exit code.
func (t task) perform(ctx context.Context, c config, args []string, in io.Reader, out, errOut io.Writer) int {
	least, most := 0, 0
	for word := range strings.FieldsSeq(t.args) {
		if most++; !strings.HasPrefix(word, "[") {
			least++
		}
	}
	if len(args) < least || len(args) > most {
		fmt.Fprintf(errOut, "usage: aihub %s %s\n", t.words, t.args)
		return 2
	}
	if err := t.open(ctx, c, args, in, out, errOut); err != nil {
		fmt.Fprintf(errOut, "aihub: %s: %v\n", t.words, err)
		return 1
	}
	return 0
}

// open gives the task what it works with.
func (t task) open(ctx context.Context, c config, args []string, in io.Reader, out, errOut io.Writer) error {
	sh := &shell{config: c, in: in, out: out, log: slog.New(slog.NewTextHandler(errOut, nil))}
	var err error
	if sh.sealer, err = llm.NewSealer(c.masterKey, c.previousKeys...); err != nil {
		return err
	}
	if err := os.MkdirAll(c.data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if t.words != "restore" && t.words != "backup" {
		if sh.db, err = openStore(ctx, c, sh.log); err != nil {
			return err
		}
		defer closing(sh.log, "store", sh.db.Close)
	}
	return t.do(ctx, sh, args)
}

// password reads one line; a person at a terminal is asked, and what they type is not shown.
func (sh *shell) password() (string, error) {
	if f, ok := sh.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(sh.out, "Password: ")
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(sh.out)
		return string(text), err
	}
	line, err := bufio.NewReader(io.LimitReader(sh.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.New("give the password on the standard input")
	}
	return line, nil
}

// tenant returns the distributor of a slug.
func (sh *shell) tenant(ctx context.Context, slug string) (*store.Tenant, store.Profile, error) {
	if _, err := store.ParseTenantID(slug); err != nil {
		return nil, store.Profile{}, fmt.Errorf("there is no distributor %q", slug)
	}
	t, p, err := sh.db.Directory().TenantBySlug(ctx, slug)
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("there is no distributor %q", slug)
	}
	return t, p, err
}

// note leaves a trace of what was done in the distributor's audit log.
func (sh *shell) note(ctx context.Context, t *store.Tenant, action, target string) error {
	_, err := t.Audit(ctx, store.AuditEntry{Actor: "shell", ActorRole: store.RoleOperator, Action: action, Target: target})
	return err
}

// begin makes the rows for every distributor when the store is still empty, as the first start would.
func (sh *shell) begin(ctx context.Context) error {
	empty, err := sh.db.Directory().Empty(ctx)
	if err != nil || !empty {
		return err
	}
	return globals(ctx, sh.db.Global(), sh.sealer, sh.config)
}

func addTenant(ctx context.Context, sh *shell, args []string) error {
	password, err := sh.password()
	if err != nil {
		return err
	}
	var b handlers.NewTenantBody
	b.Slug, b.Name, b.Admin.Email, b.Admin.Name, b.Admin.Password = args[0], args[1], args[2], args[3], password
	if len(args) > 4 {
		b.Timezone = args[4]
	}
	if len(args) > 5 {
		b.Currency = args[5]
	}
	p, admin, err := handlers.NewTenant(ctx, b, store.NewID("u"))
	if err != nil {
		return err
	}
	if err := sh.begin(ctx); err != nil {
		return err
	}
	t, err := handlers.AddTenant(ctx, sh.db, p, admin)
	if errors.Is(err, store.ErrExists) {
		err = fmt.Errorf("the slug %q is taken", b.Slug)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "added %s; its portal is /p/%s\n", p.Name, p.Slug)
	return sh.note(ctx, t, "distribuidor.criar", p.ID.String())
}

func listTenants(ctx context.Context, sh *shell, _ []string) error {
	w := tabwriter.NewWriter(sh.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SLUG\tNAME\tSTATE\tADMINS\tTIMEZONE\tCURRENCY")
	for cursor := ""; ; {
		list, next, err := sh.db.Directory().TenantsPage(ctx, store.Page{Cursor: cursor})
		if err != nil {
			return err
		}
		for _, p := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", p.Slug, p.Name, p.State, p.AdminCount, p.TimeZone, p.Currency.Code())
		}
		if cursor = next; cursor == "" {
			return w.Flush()
		}
	}
}

// setTenant returns the task that brings a distributor into a state. Live connections notice within a minute.
func setTenant(state string) func(context.Context, *shell, []string) error {
	return func(ctx context.Context, sh *shell, args []string) error {
		t, p, err := sh.tenant(ctx, args[0])
		if err != nil {
			return err
		}
		if p.State != state {
			if _, err := sh.db.Directory().SetTenantState(ctx, t.ID(), p.Rev, state, time.Time{}); err != nil {
				return err
			}
		}
		fmt.Fprintf(sh.out, "%s is %s\n", p.Slug, state)
		return sh.note(ctx, t, "distribuidor."+state, t.ID().String())
	}
}

func addUser(ctx context.Context, sh *shell, args []string) error {
	role := args[3]
	if role != store.RoleParticipant && role != store.RoleSupervisor && role != store.RoleAdmin {
		return fmt.Errorf("ROLE is %s, %s or %s", store.RoleParticipant, store.RoleSupervisor, store.RoleAdmin)
	}
	t, _, err := sh.tenant(ctx, args[0])
	if err != nil {
		return err
	}
	return sh.addPerson(ctx, t, args[1], args[2], role)
}

// addPerson adds a person with the password on the standard input.
func (sh *shell) addPerson(ctx context.Context, t *store.Tenant, email, name, role string) error {
	password, err := sh.password()
	if err != nil {
		return err
	}
	u, err := handlers.NewUser(ctx, store.NewID("u"), email, name, role, password)
	if err != nil {
		return err
	}
	if err := t.CreateUser(ctx, u); errors.Is(err, store.ErrExists) {
		return fmt.Errorf("%s exists already", u.Email)
	} else if err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "added %s as %s\n", u.Email, role)
	return sh.note(ctx, t, "pessoa.criar", u.ID)
}

func setPassword(ctx context.Context, sh *shell, args []string) error {
	t, _, err := sh.tenant(ctx, args[0])
	if err != nil {
		return err
	}
	u, err := t.UserByEmail(ctx, args[1])
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%s has nobody with the address %q", args[0], args[1])
	}
	if err != nil {
		return err
	}
	password, err := sh.password()
	if err != nil {
		return err
	}
	hash, err := handlers.HashPassword(ctx, password)
	if err != nil {
		return err
	}
	if err := t.SetPassword(ctx, u.ID, hash); err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "%s has a new password; all sessions have ended\n", u.Email)
	return sh.note(ctx, t, "pessoa.senha", u.ID)
}

// operatorTenant is where operators live.
const operatorTenant = "ixc"

func addOperator(ctx context.Context, sh *shell, args []string) error {
	if err := sh.begin(ctx); err != nil {
		return err
	}
	id, err := store.ParseTenantID(operatorTenant)
	if err != nil {
		return err
	}
	err = once(sh.db.Directory().CreateTenant(ctx, store.Profile{ID: id, Slug: operatorTenant, Name: "IXC AI Hub", State: store.StateActive}))
	if err != nil {
		return err
	}
	return sh.addPerson(ctx, sh.db.Tenant(id), args[0], args[1], store.RoleOperator)
}

func rotateKeys(ctx context.Context, sh *shell, _ []string) error {
	fresh := 0
	_, err := sh.db.Reseal(ctx, func(scope, row, sealed string) (string, error) {
		if !sh.sealer.Stale(sealed) {
			return sealed, nil
		}
		plain, err := sh.sealer.Open(scope, row, sealed)
		if err != nil {
			return "", err
		}
		fresh++
		return sh.sealer.Seal(scope, row, plain)
	})
	fmt.Fprintf(sh.out, "%d keys were sealed anew\n", fresh)
	if err == nil {
		fmt.Fprintln(sh.out, "AIHUB_MASTER_KEY_PREVIOUS is no longer needed once every instance runs with the new key")
	}
	return err
}

func verifyAudit(ctx context.Context, sh *shell, args []string) error {
	profiles, err := sh.db.Directory().Tenants(ctx)
	if err != nil {
		return err
	}
	found := 0
	for _, p := range profiles {
		if len(args) == 1 && p.Slug != args[0] {
			continue
		}
		found++
		head, err := sh.db.Tenant(p.ID).VerifyAudit(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Slug, err)
		}
		fmt.Fprintf(sh.out, "%s: %d entries, head %s\n", p.Slug, head.N, head.Hash)
	}
	if found == 0 && len(args) == 1 {
		return fmt.Errorf("there is no distributor %q", args[0])
	}
	return nil
}

// embedded names the embedded database.
func (sh *shell) embedded() string { return "sqlite:" + filepath.Join(sh.config.data, "aihub.db") }

func backup(ctx context.Context, sh *shell, args []string) error {
	if sh.config.mongodbURI != "" {
		return store.ErrNotEmbedded
	}
	if err := store.Backup(ctx, sh.embedded(), args[0]); err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "wrote %s; the master key is not in it, so keep that too\n", args[0])
	return nil
}

func restore(ctx context.Context, sh *shell, args []string) error {
	if sh.config.mongodbURI != "" {
		return store.ErrNotEmbedded
	}
	if err := store.Restore(ctx, args[0], sh.embedded()); err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "restored %s\n", args[0])
	return nil
}

func migrateStore(ctx context.Context, sh *shell, _ []string) error {
	if sh.config.mongodbURI == "" {
		return errors.New("MONGODB_URI must name the database to copy into")
	}
	if _, err := os.Stat(filepath.Join(sh.config.data, "aihub.db")); err != nil {
		return errors.New("AIHUB_DATA holds no embedded database")
	}
	from, err := store.Open(ctx, sh.embedded(), store.Options{Logger: sh.log})
	if err != nil {
		return err
	}
	defer closing(sh.log, "store", from.Close)
	done, err := from.CopyTo(ctx, sh.db)
	fmt.Fprintf(sh.out, "%d rows copied, %d were there already, %d left behind\n", done.Rows, done.Present, done.Skipped)
	return err
}
