package mongodoc

// DatabaseOf is databaseOf.
func DatabaseOf(uri string) (string, error) { return databaseOf(uri) }
