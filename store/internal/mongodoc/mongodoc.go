// Package mongodoc keeps documents in MongoDB, or a server that speaks its protocol, as ordinary documents. It needs
// neither transactions nor change streams nor aggregation.
package mongodoc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"aihub/store/internal/doc"
)

type engine struct{ db *mongo.Database }

// Open connects to uri and uses the named database. monitor may be nil.
func Open(ctx context.Context, uri, name string, monitor *event.CommandMonitor) (doc.Engine, error) {
	o := options.Client().ApplyURI(uri).SetAppName("aihub").
		SetWriteConcern(writeconcern.Majority()).SetRetryWrites(true).SetRetryReads(true).
		SetServerSelectionTimeout(3 * time.Second).SetConnectTimeout(3 * time.Second).SetTimeout(5 * time.Second)
	if monitor != nil {
		o.SetMonitor(monitor)
	}
	c, err := mongo.Connect(o)
	if err != nil {
		return nil, errors.New("MONGODB_URI can't be used: it is not a valid MongoDB address") // the driver's own text may quote the password
	}
	if err := c.Ping(ctx, nil); err != nil {
		_ = c.Disconnect(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("reach MongoDB: %w", err)
	}
	return &engine{c.Database(name)}, nil
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
		case doc.OpAbsent:
			is = bson.D{{Key: "$exists", Value: false}}
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
	raw, err := bson.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", coll, err)
	}
	var body bson.D
	if err := bson.Unmarshal(raw, &body); err != nil {
		return fmt.Errorf("encode %s: %w", coll, err)
	}
	d := bson.D{{Key: "_id", Value: key}, {Key: "distribuidor_id", Value: t}, {Key: "id", Value: id}}
	for _, f := range body {
		if f.Key != "_id" && f.Key != "distribuidor_id" && f.Key != "id" {
			d = append(d, f)
		}
	}
	_, err = e.db.Collection(coll).InsertOne(ctx, d)
	if mongo.IsDuplicateKeyError(err) {
		return doc.ErrExists
	}
	return failed("insert", coll, err)
}

func (e *engine) Find(ctx context.Context, s doc.Scope, coll string, q doc.Query, out any) error {
	f, err := filter(s, q.Where)
	if err != nil {
		return err
	}
	if f == nil {
		f = bson.D{}
	}
	dir := 1
	if q.Desc {
		dir = -1
	}
	sort := bson.D{{Key: "id", Value: dir}}
	if q.Sort != "" {
		sort = bson.D{{Key: q.Sort, Value: dir}, {Key: "id", Value: dir}}
	}
	cur, err := e.db.Collection(coll).Find(ctx, f, options.Find().SetSort(sort).SetLimit(int64(q.Limit)))
	if err != nil {
		return failed("find", coll, err)
	}
	return failed("find", coll, cur.All(ctx, out))
}

func (e *engine) Update(ctx context.Context, s doc.Scope, coll, id string, conds []doc.Cond, m doc.Mod) (bool, error) {
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
	r, err := e.db.Collection(coll).UpdateOne(ctx, f, u)
	if mongo.IsDuplicateKeyError(err) {
		return false, doc.ErrExists
	}
	if err != nil {
		return false, failed("update", coll, err)
	}
	return r.MatchedCount == 1, nil
}

func (e *engine) Delete(ctx context.Context, s doc.Scope, coll, id string, conds []doc.Cond) (bool, error) {
	f, err := one(s, id, conds)
	if err != nil {
		return false, err
	}
	r, err := e.db.Collection(coll).DeleteOne(ctx, f)
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
	for _, x := range indexes {
		keys := bson.D{{Key: "distribuidor_id", Value: 1}}
		for _, f := range x.Fields {
			keys = append(keys, bson.E{Key: f, Value: 1})
		}
		o := options.Index().SetName(indexName(x))
		if x.Unique {
			o.SetUnique(true)
		}
		if x.Where != "" {
			o.SetPartialFilterExpression(bson.D{{Key: x.Where, Value: bson.D{{Key: "$gt", Value: ""}}}})
		}
		if _, err := e.db.Collection(x.Coll).Indexes().CreateOne(ctx, mongo.IndexModel{Keys: keys, Options: o}); err != nil {
			return fmt.Errorf("make index %s: %w", indexName(x), err)
		}
	}
	return nil
}

func indexName(x doc.Index) string {
	return "ix_" + x.Coll + "_" + strings.ReplaceAll(strings.Join(x.Fields, "_"), ".", "_")
}

func (e *engine) Ready(ctx context.Context, indexes []doc.Index) error {
	have := map[string]map[string]bool{}
	for _, x := range indexes {
		if have[x.Coll] == nil {
			specs, err := e.db.Collection(x.Coll).Indexes().ListSpecifications(ctx)
			if err != nil {
				return failed("look for indexes of", x.Coll, err)
			}
			have[x.Coll] = map[string]bool{}
			for _, spec := range specs {
				have[x.Coll][spec.Name] = true
			}
		}
		if !have[x.Coll][indexName(x)] {
			return fmt.Errorf("index %s is missing", indexName(x))
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
