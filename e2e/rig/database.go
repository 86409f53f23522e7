package rig

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	_ "modernc.org/sqlite" // the embedded engine's file format
)

// A Database reads, beside the program, what the program stored. Names of collections and fields are the domain's.
type Database struct {
	mongo *mongo.Database
	file  *sql.DB
}

// MongoURI names a MongoDB-compatible server: TEST_MONGODB_URI, or the one that e2e/mongodb/server starts.
func MongoURI(t testing.TB) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(Root(), "e2e", "mongodb", "server"), "up").Output()
	if err != nil {
		t.Fatalf("these tests need a MongoDB-compatible server (TEST_MONGODB_URI, or a machine on which e2e/mongodb/server works): %v", err)
	}
	return strings.TrimSpace(string(out))
}

var databases atomic.Int64

// NewMongo makes the name of a fresh database and drops it after the test. It returns the URI to give to programs.
func NewMongo(t testing.TB) (*Database, string) {
	t.Helper()
	server := MongoURI(t)
	client, err := mongo.Connect(options.Client().ApplyURI(server))
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("e2e_%d_%d", time.Now().UnixMilli(), databases.Add(1))
	d := &Database{mongo: client.Database(name)}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := d.mongo.Drop(ctx); err != nil {
			t.Logf("drop the test's database: %v", err)
		}
		_ = client.Disconnect(ctx)
	})
	base, query, _ := strings.Cut(server, "?")
	uri := strings.TrimSuffix(base, "/") + "/" + name
	if query != "" {
		uri += "?" + query
	}
	return d, uri
}

// OpenFile reads the embedded engine's file in a data directory.
func OpenFile(t testing.TB, dir string) *Database {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.db"))
	if err != nil || len(files) != 1 {
		t.Fatalf("one database file is expected in %s: %v %v", dir, files, err)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: files[0]}).EscapedPath()+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &Database{file: db}
}

// A StoredMessage is a document of interacoes.
type StoredMessage struct {
	Tenant string     `bson:"distribuidor_id" json:"-"`
	ID     string     `bson:"id" json:"id"`
	Conv   string     `bson:"conversa_id" json:"conversa_id"`
	Role   string     `bson:"papel" json:"papel"`
	Author string     `bson:"autor" json:"autor"`
	Parent string     `bson:"pai" json:"pai"`
	Text   string     `bson:"texto" json:"texto"`
	CID    string     `bson:"cid" json:"cid"`
	Run    *StoredRun `bson:"execucao" json:"execucao"`
}

// A StoredRun is how an answer came about.
type StoredRun struct {
	ID      string `bson:"id" json:"id"`
	State   string `bson:"estado" json:"estado"`
	Code    string `bson:"codigo" json:"codigo"`
	Len     int64  `bson:"bytes" json:"bytes"`
	SHA     string `bson:"sha256" json:"sha256"`
	Settled bool   `bson:"liquidada" json:"liquidada"`
	Usage   struct {
		In        int64 `bson:"entrada" json:"entrada"`
		Out       int64 `bson:"saida" json:"saida"`
		Estimated bool  `bson:"estimado" json:"estimado"`
	} `bson:"uso" json:"uso"`
}

// A StoredConversation is a document of conversas.
type StoredConversation struct {
	Tenant string `bson:"distribuidor_id" json:"-"`
	ID     string `bson:"id" json:"id"`
	Active struct {
		Run string `bson:"execucao_id" json:"execucao_id"`
	} `bson:"ativa" json:"ativa"`
}

// A StoredUsage is a document of uso: what quota is decided on.
type StoredUsage struct {
	Tenant   string `bson:"distribuidor_id" json:"-"`
	ID       string `bson:"id" json:"id"`
	UserID   string `bson:"usuario_id" json:"usuario_id"`
	Open     int64  `bson:"abertas" json:"abertas"`
	Counters map[string]struct {
		Messages int64 `bson:"mensagens" json:"mensagens"`
		Tokens   int64 `bson:"tokens" json:"tokens"`
	} `bson:"periodos" json:"periodos"`
	Reserved map[string]struct {
		Tokens int64 `bson:"tokens" json:"tokens"`
	} `bson:"reservas" json:"reservas"`
}

// Messages reads all of interacoes.
func (d *Database) Messages(t testing.TB) []StoredMessage {
	return all(t, d, "interacoes", func(m *StoredMessage, tenant string) { m.Tenant = tenant })
}

// Conversations reads all of conversas.
func (d *Database) Conversations(t testing.TB) []StoredConversation {
	return all(t, d, "conversas", func(c *StoredConversation, tenant string) { c.Tenant = tenant })
}

// Usage reads all of uso.
func (d *Database) Usage(t testing.TB) []StoredUsage {
	return all(t, d, "uso", func(u *StoredUsage, tenant string) { u.Tenant = tenant })
}

func all[T any](t testing.TB, d *Database, coll string, own func(*T, string)) []T {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	var out []T
	if d.mongo != nil {
		cursor, err := d.mongo.Collection(coll).Find(ctx, bson.D{})
		if err == nil {
			err = cursor.All(ctx, &out)
		}
		if err != nil {
			t.Fatalf("read %s: %v", coll, err)
		}
		return out
	}
	rows, err := d.file.QueryContext(ctx, "SELECT tenant, body FROM docs WHERE coll = ?", coll)
	if err != nil {
		t.Fatalf("read %s: %v", coll, err)
	}
	defer rows.Close()
	for rows.Next() {
		var tenant, body string
		var v T
		if err := rows.Scan(&tenant, &body); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatalf("a document of %s: %v", coll, err)
		}
		own(&v, tenant)
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// A PlanLimit is a limit of a plan: janela is minuto, dia or mes, 0 is no limit.
type PlanLimit struct {
	Window   string `bson:"janela" json:"janela"`
	Messages int64  `bson:"mensagens" json:"mensagens"`
	Tokens   int64  `bson:"tokens" json:"tokens"`
}

// Limit gives every plan these limits; none: no limits at all.
func (d *Database) Limit(t testing.TB, limits ...PlanLimit) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if limits == nil {
		limits = []PlanLimit{}
	}
	if d.mongo != nil {
		_, err := d.mongo.Collection("planos_de_uso").UpdateMany(ctx, bson.D{},
			bson.D{{Key: "$set", Value: bson.D{{Key: "limites", Value: limits}, {Key: "simultaneas", Value: int64(0)}}}})
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	raw, err := json.Marshal(limits)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.file.ExecContext(ctx, "UPDATE docs SET body = json_set(body, '$.limites', json(?), '$.simultaneas', 0) WHERE coll = 'planos_de_uso'", string(raw))
	if err != nil {
		t.Fatal(err)
	}
}

// Expose reads the whole database as text, for scans for what must not be in it.
func (d *Database) Expose(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	var b strings.Builder
	if d.mongo != nil {
		names, err := d.mongo.ListCollectionNames(ctx, bson.D{})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			var docs []bson.M
			cursor, err := d.mongo.Collection(name).Find(ctx, bson.D{})
			if err == nil {
				err = cursor.All(ctx, &docs)
			}
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&b, docs)
		}
		return b.String()
	}
	rows, err := d.file.QueryContext(ctx, "SELECT body FROM docs")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			t.Fatal(err)
		}
		b.WriteString(body + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// AddPeople makes n further people of a demo tenant, with the demo's password, and returns their addresses. role is
// usuario, supervisor or admin.
func (d *Database) AddPeople(t testing.TB, tenant, role string, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	var emails []string
	for i := range n {
		id, email := fmt.Sprintf("u_%s%05d", role, i), fmt.Sprintf("%s%d@%s.example", role, i, tenant)
		emails = append(emails, email)
		if d.mongo != nil {
			var user bson.M
			users := d.mongo.Collection("usuarios")
			err := users.FindOne(ctx, bson.D{{Key: "distribuidor_id", Value: tenant}, {Key: "email", Value: role + "@" + tenant + ".example"}}).Decode(&user)
			if err == nil {
				user["_id"], user["id"], user["email"] = tenant+"/"+id, id, email
				_, err = users.InsertOne(ctx, user)
			}
			if err != nil {
				t.Fatalf("add a person: %v", err)
			}
			continue
		}
		_, err := d.file.ExecContext(ctx, `INSERT INTO docs (tenant, coll, id, body)
			SELECT tenant, coll, ?, json_set(body, '$.id', ?, '$.email', ?) FROM docs
			WHERE tenant = ? AND coll = 'usuarios' AND json_extract(body, '$.email') = ?`, id, id, email, tenant, role+"@"+tenant+".example")
		if err != nil {
			t.Fatalf("add a person: %v", err)
		}
	}
	return emails
}
