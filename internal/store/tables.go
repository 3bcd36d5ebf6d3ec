package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// table is one of a database's tables, as the database itself describes it.
type table struct {
	name    string
	columns []string // in their order; the first is the primary key
}

const (
	sqliteTables = `SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY m.name, c.cid`
	postgresTables = `SELECT t.table_name, c.column_name FROM information_schema.tables t
		JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
		WHERE t.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY t.table_name, c.ordinal_position`
	// gooseTable is the migrations' own: each database has one of its own.
	gooseTable = "goose_db_version"
)

// tables lists all tables that hold the bot's data. What is done for each of them is
// done for tables and columns, too, that come later.
func tables(ctx context.Context, q querier, postgres bool) ([]table, error) {
	text := sqliteTables
	if postgres {
		text = postgresTables
	}
	var out []table
	err := each(ctx, q, func(row row) error {
		var name, column string
		if err := row.Scan(&name, &column); err != nil || name == gooseTable {
			return err
		}
		if len(out) == 0 || out[len(out)-1].name != name {
			out = append(out, table{name: name})
		}
		last := &out[len(out)-1]
		last.columns = append(last.columns, column)
		return nil
	}, text)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	return out, nil
}

// rows visits the rows of a table by its key. The slice is used again for the next row.
func (t table) rows(ctx context.Context, q querier, visit func(values []any) error) error {
	cells, dest := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range cells {
		dest[i] = &cells[i]
	}
	err := each(ctx, q, func(r row) error {
		if err := r.Scan(dest...); err != nil {
			return err
		}
		for i, v := range cells {
			if b, ok := v.([]byte); ok {
				cells[i] = string(b)
			}
		}
		return visit(cells)
	}, `SELECT `+strings.Join(t.columns, `, `)+` FROM `+t.name+` ORDER BY `+t.columns[0])
	if err != nil {
		return fmt.Errorf("read table %s: %w", t.name, err)
	}
	return nil
}

// insert returns the statement that writes n rows at once.
func (t table) insert(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = `(` + places(i*len(t.columns)+1, len(t.columns)) + `)`
	}
	return `INSERT INTO ` + t.name + ` (` + strings.Join(t.columns, `, `) + `) VALUES ` + strings.Join(rows, `, `)
}

// content stands for the rows of a table, whatever their order: two databases sort text
// differently.
type content struct {
	rows int
	sum  [4]uint64
}

// add adds a row. The two databases hand out truth values differently.
func (c *content) add(values []any) {
	h := sha256.New()
	for _, v := range values {
		text := fmt.Sprint(v)
		switch v {
		case nil:
			text = "NULL"
		case true:
			text = "1"
		case false:
			text = "0"
		}
		_, _ = fmt.Fprintf(h, "%t %d %s\n", v == nil, len(text), text) // a hash takes everything
	}
	hash := h.Sum(nil)
	for i := range c.sum {
		c.sum[i] += binary.BigEndian.Uint64(hash[8*i:])
	}
	c.rows++
}

// contentOf reads a table and says what stands in it.
func (t table) contentOf(ctx context.Context, q querier) (c content, err error) {
	err = t.rows(ctx, q, func(values []any) error {
		c.add(values)
		return nil
	})
	return c, err
}

// sameTables tells where two databases differ in their tables.
func sameTables(from, to []table) error {
	for _, t := range from {
		i := slices.IndexFunc(to, func(o table) bool { return o.name == t.name })
		switch {
		case i < 0:
			return fmt.Errorf("the target has no table %s", t.name)
		case !slices.Equal(slices.Sorted(slices.Values(t.columns)), slices.Sorted(slices.Values(to[i].columns))):
			return fmt.Errorf("table %s has other columns in the target", t.name)
		}
	}
	if len(to) != len(from) {
		return fmt.Errorf("the target has %d tables, and %d are to be copied", len(to), len(from))
	}
	return nil
}
