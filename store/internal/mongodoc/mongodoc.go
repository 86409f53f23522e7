// Package mongodoc keeps documents in MongoDB, or a server that speaks its protocol, as ordinary documents. It needs
// neither transactions nor change streams nor aggregation.
package mongodoc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"aihub/store/internal/doc"
)

type engine struct {
	db   *mongo.Database
	pool *pool
}

// bsonOptions make an absent map or list an empty one, as JSON does here: null would refuse a $set below it.
var bsonOptions = options.BSONOptions{NilMapAsEmpty: true, NilSliceAsEmpty: true}

// Options of a connection. The zero value serves.
type Options struct {
	Commands *event.CommandMonitor // sees every command; nil: nobody does
}

// Open connects to uri and uses the database it names, else "aihub". A write is acknowledged when the majority of the
// servers have it; no operation lasts longer than its context or five seconds.
func Open(ctx context.Context, uri string, opt Options) (doc.Engine, error) {
	name, err := databaseOf(uri)
	if err != nil {
		return nil, err
	}
	pool := &pool{}
	// The address may set other times; what is promised about writes it may not.
	o := options.Client().SetServerSelectionTimeout(3 * time.Second).SetConnectTimeout(3 * time.Second).SetTimeout(5 * time.Second).
		ApplyURI(uri).SetAppName("aihub").SetBSONOptions(&bsonOptions).
		SetWriteConcern(writeconcern.Majority()).SetRetryWrites(true).SetRetryReads(true).
		SetPoolMonitor(&event.PoolMonitor{Event: pool.event})
	if opt.Commands != nil {
		o.SetMonitor(opt.Commands)
	}
	c, err := mongo.Connect(o)
	if err != nil {
		return nil, errAddress
	}
	if err := c.Ping(ctx, nil); err != nil {
		_ = c.Disconnect(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("reach MongoDB: %w", err)
	}
	return &engine{c.Database(name), pool}, nil
}

// errAddress stands for the driver's own text, which may quote the password.
var errAddress = errors.New("MONGODB_URI can't be used: it is not a valid MongoDB address")

// databaseOf is the database that an address names.
func databaseOf(uri string) (string, error) {
	address, err := connstring.ParseAndValidate(uri)
	switch {
	case err != nil:
		return "", errAddress
	case address.Database == "":
		return "aihub", nil
	}
	return address.Database, nil
}

// filter is the only place a MongoDB filter is built, and it starts with the tenant. Values stand behind an operator,
// so that none can be taken for one.
func filter(s doc.Scope, conds []doc.Cond) (bson.D, error) {
	var f bson.D
	if !s.Everywhere() {
		t, err := s.Tenant()
		if err != nil {
			return nil, err
		}
		f = bson.D{{Key: "distribuidor_id", Value: bson.D{{Key: "$eq", Value: t}}}}
	}
	for _, c := range conds {
		if id, ok := c.Value.(string); ok && c.Field == "id" && c.Op == doc.OpEq && !s.Everywhere() {
			key, err := s.Key(id) // the primary index
			if err != nil {
				return nil, err
			}
			f = append(f, bson.E{Key: "_id", Value: bson.D{{Key: "$eq", Value: key}}})
			continue
		}
		var is bson.D
		switch c.Op {
		case doc.OpEq, doc.OpNe:
			is = bson.D{{Key: "$" + string(c.Op), Value: c.Value}}
		case doc.OpBefore, doc.OpAfter:
			is = bson.D{{Key: "$" + string(c.Op), Value: c.Value}}
		case doc.OpNotAbove:
			is = bson.D{{Key: "$not", Value: bson.D{{Key: "$gt", Value: c.Value}}}}
			if most, ok := c.Value.(int64); ok && most < 0 { // a missing field, taken for 0, is above it
				is = bson.D{{Key: "$lte", Value: c.Value}}
			}
		case doc.OpAbsent:
			is = bson.D{{Key: "$exists", Value: false}}
		case doc.OpIn:
			is = bson.D{{Key: "$in", Value: c.Value}}
		case doc.OpContains:
			words, ok := c.Value.(string)
			if !ok {
				return nil, fmt.Errorf("contains: %T is no text", c.Value)
			}
			is = bson.D{{Key: "$regex", Value: bson.Regex{Pattern: anyAccent(words), Options: "i"}}}
		default:
			return nil, fmt.Errorf("unknown comparison %q", c.Op)
		}
		f = append(f, bson.E{Key: c.Field, Value: is})
	}
	return f, nil
}

func (e *engine) Insert(ctx context.Context, s doc.Scope, coll, id string, v any) error {
	key, err := s.Key(id)
	if err != nil {
		return err
	}
	t, err := s.Tenant()
	if err != nil {
		return err
	}
	d, err := document(key, t, id, v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", coll, err)
	}
	err = patiently(ctx, func() error {
		_, err := e.db.Collection(coll).InsertOne(ctx, d)
		return err
	})
	if ambiguous(err) {
		err = e.insertAgain(ctx, s, coll, id, d)
	}
	if mongo.IsDuplicateKeyError(err) {
		return doc.ErrExists
	}
	return failed("insert", coll, err)
}

// conflicts are the codes with which a server answers that it has not done a write because it came into conflict with
// others: WriteConflict, InternalError (how FerretDB words a failed serialization), and the SQLSTATEs of a serialization
// failure (40001) and a broken deadlock (40P01) as DocumentDB packs them into a number.
var conflicts = []int{112, 1, 16777220, 16908292}

// patiently repeats a write that the server answered it has not done and could do another time: some servers leave it to
// the client to wait for its turn. The waits are long and grow, because who comes back while a deadlock of many is still
// being broken is the next to be part of it.
func patiently(ctx context.Context, write func() error) error {
	for wait := 30 * time.Millisecond; wait < time.Second; wait *= 2 {
		err := write()
		var answer mongo.ServerError
		if !errors.As(err, &answer) || !slices.ContainsFunc(conflicts, answer.HasErrorCode) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait + rand.N(wait)):
		}
	}
	return write()
}

// ambiguous reports whether a write may have happened although it failed: its answer was lost.
func ambiguous(err error) bool {
	return err != nil && (mongo.IsNetworkError(err) || mongo.IsTimeout(err) && !errors.Is(err, context.Canceled))
}

// insertAgain repeats an insert whose answer was lost. That the document is there now is a success if it is the very one.
func (e *engine) insertAgain(ctx context.Context, s doc.Scope, coll, id string, d bson.Raw) error {
	_, err := e.db.Collection(coll).InsertOne(ctx, d)
	if !mongo.IsDuplicateKeyError(err) {
		return err
	}
	f, filterErr := one(s, id, nil)
	if filterErr != nil {
		return err
	}
	if found, readErr := e.db.Collection(coll).FindOne(ctx, f).Raw(); readErr == nil && bytes.Equal(found, d) {
		return nil
	}
	return err
}

// document is a value with its keys before it. Keys that the value has of its own are left out.
func document(key string, tenant *string, id string, v any) (bson.Raw, error) {
	var b bytes.Buffer
	enc := bson.NewEncoder(bson.NewDocumentWriter(&b))
	enc.NilMapAsEmpty()
	enc.NilSliceAsEmpty()
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	elements, err := bson.Raw(b.Bytes()).Elements()
	if err != nil {
		return nil, err
	}
	at, d := bsoncore.AppendDocumentStart(make([]byte, 0, b.Len()+len(key)+len(id)+100))
	d = bsoncore.AppendStringElement(d, "_id", key)
	if tenant != nil {
		d = bsoncore.AppendStringElement(d, "distribuidor_id", *tenant)
	} else {
		d = bsoncore.AppendNullElement(d, "distribuidor_id")
	}
	d = bsoncore.AppendStringElement(d, "id", id)
	for _, e := range elements {
		if k := e.Key(); k != "_id" && k != "distribuidor_id" && k != "id" {
			d = append(d, e...)
		}
	}
	return bsoncore.AppendDocumentEnd(d, at)
}

func (e *engine) Find(ctx context.Context, s doc.Scope, coll string, q doc.Query, each func(string, func(any) error)) error {
	if err := doc.CheckPaths(q.Where, doc.Mod{}); err != nil {
		return fmt.Errorf("find %s: %w", coll, err)
	}
	f, err := filter(s, q.Where)
	if err != nil {
		return err
	}
	dir, past := 1, "$gt"
	if q.Desc {
		dir, past = -1, "$lt"
	}
	sort := bson.D{{Key: "id", Value: dir}}
	if q.Sort != "" {
		sort = bson.D{{Key: q.Sort, Value: dir}, {Key: "id", Value: dir}}
	}
	if p := q.Past; p != nil {
		beyondID := bson.E{Key: "id", Value: bson.D{{Key: past, Value: p.ID}}}
		if q.Sort == "" {
			f = append(f, beyondID)
		} else { // the first comparison is what an index can bound
			f = append(f, bson.E{Key: q.Sort, Value: bson.D{{Key: past + "e", Value: p.Value}}}, bson.E{Key: "$or", Value: bson.A{
				bson.D{{Key: q.Sort, Value: bson.D{{Key: past, Value: p.Value}}}}, bson.D{beyondID}}})
		}
	}
	if f == nil {
		f = bson.D{}
	}
	o := options.Find().SetSort(sort).SetLimit(int64(q.Limit))
	if q.Limit > 0 {
		o.SetBatchSize(int32(q.Limit) + 1) // all of it in one answer
	}
	cur, err := e.db.Collection(coll).Find(ctx, f, o)
	if err != nil {
		return failed("find", coll, err)
	}
	defer func() { _ = cur.Close(context.WithoutCancel(ctx)) }()
	for cur.Next(ctx) {
		id, ok := cur.Current.Lookup("id").StringValueOK()
		if !ok {
			id = cur.Current.Lookup("_id").String()
		}
		each(id, func(v any) error { return bson.Unmarshal(cur.Current, v) })
	}
	return failed("find", coll, cur.Err())
}

func (e *engine) Update(ctx context.Context, s doc.Scope, coll, id string, conds []doc.Cond, m doc.Mod) (bool, error) {
	if err := doc.CheckPaths(conds, m); err != nil {
		return false, fmt.Errorf("update %s: %w", coll, err)
	}
	f, err := one(s, id, conds)
	if err != nil {
		return false, err
	}
	u := bson.D{}
	if len(m.Set) > 0 {
		u = append(u, bson.E{Key: "$set", Value: sorted(m.Set)})
	}
	if len(m.Inc) > 0 {
		u = append(u, bson.E{Key: "$inc", Value: sorted(m.Inc)})
	}
	if len(m.Unset) > 0 {
		var d bson.D
		for _, k := range m.Unset {
			d = append(d, bson.E{Key: k, Value: ""})
		}
		u = append(u, bson.E{Key: "$unset", Value: d})
	}
	var r *mongo.UpdateResult
	err = patiently(ctx, func() (err error) {
		r, err = e.db.Collection(coll).UpdateOne(ctx, f, u)
		return err
	})
	if mongo.IsDuplicateKeyError(err) {
		return false, doc.ErrExists
	}
	if err != nil {
		return false, failed("update", coll, err)
	}
	return r.MatchedCount == 1, nil
}

func (e *engine) Delete(ctx context.Context, s doc.Scope, coll, id string, conds []doc.Cond) (bool, error) {
	if err := doc.CheckPaths(conds, doc.Mod{}); err != nil {
		return false, fmt.Errorf("delete %s: %w", coll, err)
	}
	f, err := one(s, id, conds)
	if err != nil {
		return false, err
	}
	var r *mongo.DeleteResult
	err = patiently(ctx, func() (err error) {
		r, err = e.db.Collection(coll).DeleteOne(ctx, f)
		return err
	})
	if err != nil {
		return false, failed("delete", coll, err)
	}
	return r.DeletedCount == 1, nil
}

// one is the filter of the document with this id, if all conds hold.
func one(s doc.Scope, id string, conds []doc.Cond) (bson.D, error) {
	if s.Everywhere() {
		return nil, doc.ErrNoScope
	}
	return filter(s, append([]doc.Cond{doc.Eq("id", id)}, conds...))
}

func sorted[V any](m map[string]V) bson.D {
	var d bson.D
	for _, k := range slices.Sorted(maps.Keys(m)) {
		d = append(d, bson.E{Key: k, Value: m[k]})
	}
	return d
}

func (e *engine) Migrate(ctx context.Context, indexes []doc.Index) error {
	for coll, of := range byCollection(indexes) {
		var err error
		for range 5 { // servers may refuse one of several instances that make the same index at once
			if err = e.makeIndexes(ctx, coll, of); err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("make indexes of %s: %w", coll, err)
			case <-time.After(100*time.Millisecond + rand.N(200*time.Millisecond)):
			}
		}
		if err != nil {
			return fmt.Errorf("make indexes of %s: %w", coll, err)
		}
	}
	return nil
}

// makeIndexes makes those indexes of a collection that it does not have.
func (e *engine) makeIndexes(ctx context.Context, coll string, indexes []doc.Index) error {
	have, err := e.indexNames(ctx, coll)
	if err != nil {
		return err
	}
	var missing []mongo.IndexModel
	for _, x := range indexes {
		if have[x.Name()] {
			continue
		}
		keys := bson.D{{Key: "distribuidor_id", Value: 1}}
		for _, f := range x.Fields {
			keys = append(keys, bson.E{Key: f, Value: 1})
		}
		o := options.Index().SetName(x.Name())
		if x.Unique {
			o.SetUnique(true)
		}
		if x.Where != "" {
			o.SetPartialFilterExpression(bson.D{{Key: x.Where, Value: bson.D{{Key: "$gt", Value: ""}}}})
		}
		missing = append(missing, mongo.IndexModel{Keys: keys, Options: o})
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = e.db.Collection(coll).Indexes().CreateMany(ctx, missing)
	return err
}

func byCollection(indexes []doc.Index) map[string][]doc.Index {
	out := map[string][]doc.Index{}
	for _, x := range indexes {
		out[x.Coll] = append(out[x.Coll], x)
	}
	return out
}

func (e *engine) indexNames(ctx context.Context, coll string) (map[string]bool, error) {
	specs, err := e.db.Collection(coll).Indexes().ListSpecifications(ctx)
	if err != nil {
		return nil, failed("look for indexes of", coll, err)
	}
	have := map[string]bool{}
	for _, spec := range specs {
		have[spec.Name] = true
	}
	return have, nil
}

func (e *engine) Ready(ctx context.Context, indexes []doc.Index) error {
	if err := e.db.Client().Ping(ctx, nil); err != nil {
		return failed("reach", "MongoDB", err)
	}
	for coll, of := range byCollection(indexes) {
		have, err := e.indexNames(ctx, coll)
		if err != nil {
			return err
		}
		for _, x := range of {
			if !have[x.Name()] {
				return fmt.Errorf("index %s is missing", x.Name())
			}
		}
	}
	return nil
}

func (e *engine) Close(ctx context.Context) error { return e.db.Client().Disconnect(ctx) }

// failed wraps what only trying again can mend.
func failed(what, coll string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w: %w", what, coll, doc.ErrUnavailable, err)
}
