package mongodoc_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"aihub/store/internal/doc"
	"aihub/store/internal/doctest"
	"aihub/store/internal/mongodoc"
	"aihub/store/internal/testdb"
)

func openBench(b *testing.B) (doc.Engine, *mongo.Collection) {
	b.Helper()
	uri, name := testdb.Mongo(b), fmt.Sprintf("aihub_bench_%d", time.Now().UnixNano())
	eng, err := mongodoc.Open(b.Context(), uri+name, mongodoc.Options{})
	if err != nil {
		b.Fatal(err)
	}
	if err := eng.Migrate(b.Context(), doctest.Indexes); err != nil {
		b.Fatal(err)
	}
	c, err := mongo.Connect(options.Client().ApplyURI(uri).SetBSONOptions(&options.BSONOptions{NilMapAsEmpty: true, NilSliceAsEmpty: true}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx := context.Background()
		if err := testdb.Drop(uri + name); err != nil {
			b.Error(err)
		}
		_, _ = eng.Close(ctx), c.Disconnect(ctx)
	})
	return eng, c.Database(name).Collection("notes")
}

// stored is a note with its keys, as a program would write it that has only this.
func stored(tenant, id string, n doctest.Decoded) bare {
	n.ID = id
	return bare{tenant + "/" + id, tenant, n}
}

func BenchmarkScale(b *testing.B) {
	doctest.Scale(b, func(b *testing.B, l doctest.Layout) doc.Engine {
		eng, c := openBench(b)
		var batch []any
		for i := range l.Notes {
			if batch = append(batch, stored(l.Tenant(i), doctest.NoteID(i), l.Note(i))); len(batch) == 1000 || i == l.Notes-1 {
				if _, err := c.InsertMany(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				batch = batch[:0]
			}
		}
		return eng
	})
}

// bare is a note with its keys as a program's own type.
type bare struct {
	Key             string `bson:"_id"`
	Tenant          string `bson:"distribuidor_id"`
	doctest.Decoded `bson:",inline"`
}

// BenchmarkOverhead compares with the driver used directly, by which a program would do only this.
func BenchmarkOverhead(b *testing.B) {
	eng, c := openBench(b)
	doctest.Overhead(b, eng, func(i int) error {
		_, err := c.InsertOne(b.Context(), stored("bare", doctest.NoteID(i), doctest.Alone.Note(i)))
		return err
	}, func(int) error {
		cur, err := c.Find(b.Context(), bson.D{{Key: "distribuidor_id", Value: "a"}, {Key: "conv", Value: "c5"}},
			options.Find().SetSort(bson.D{{Key: "at", Value: -1}}).SetLimit(50))
		if err != nil {
			return err
		}
		var out []doctest.Decoded
		return cur.All(b.Context(), &out)
	})
}
