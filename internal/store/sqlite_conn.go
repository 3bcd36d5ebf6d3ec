package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// mostStatements bounds the statements that a connection keeps. We and River have
// some fifty.
const mostStatements = 100

// sqliteConnector opens connections that keep their statements.
type sqliteConnector struct{ driver.Connector }

func newSQLiteConnector(dsn string) (driver.Connector, error) {
	c, err := sqlite.NewConnector(dsn)
	return sqliteConnector{c}, err
}

// Connect implements driver.Connector.
func (c sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the SQLite driver's %T lacks methods that are relied on", conn), conn.Close())
	}
	return &keepingConn{sqliteConn: full, idle: make(map[string]driver.Stmt)}, nil
}

// sqliteConn is what database/sql uses of a connection of modernc.org/sqlite.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// keepingConn keeps the statements it has prepared, by their text. To parse and
// plan a statement takes SQLite longer than to run it, and River, whose code is not
// ours, prepares each anew: half of the time of a commit went there. Like every
// connection it is used by one goroutine at a time.
type keepingConn struct {
	sqliteConn
	idle map[string]driver.Stmt // a statement in use is not in it
}

// ExecContext implements driver.ExecerContext.
func (c *keepingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	stmt, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	if err != nil {
		_ = stmt.Close() // the first error says more
		return nil, err
	}
	return result, c.give(query, stmt)
}

// QueryContext implements driver.QueryerContext.
func (c *keepingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	stmt, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		_ = stmt.Close() // the first error says more
		return nil, err
	}
	return &keptRows{Rows: rows, conn: c, query: query, stmt: stmt}, nil
}

// Close implements driver.Conn.
func (c *keepingConn) Close() error {
	return errors.Join(c.forget(), c.sqliteConn.Close())
}

// take returns a statement that nobody else uses until it is given back.
func (c *keepingConn) take(ctx context.Context, query string) (driver.Stmt, error) {
	if stmt, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return stmt, nil
	}
	return c.PrepareContext(ctx, query)
}

// give keeps a statement for the next who needs it.
func (c *keepingConn) give(query string, stmt driver.Stmt) error {
	if _, ok := c.idle[query]; ok {
		return stmt.Close()
	}
	if len(c.idle) >= mostStatements {
		if err := c.forget(); err != nil {
			return errors.Join(err, stmt.Close())
		}
	}
	c.idle[query] = stmt
	return nil
}

func (c *keepingConn) forget() error {
	var errs []error
	for query, stmt := range c.idle {
		errs = append(errs, stmt.Close())
		delete(c.idle, query)
	}
	return errors.Join(errs...)
}

// keptRows gives its statement back when it is closed.
type keptRows struct {
	driver.Rows
	conn  *keepingConn
	query string
	stmt  driver.Stmt
}

// Close implements driver.Rows.
func (r *keptRows) Close() error {
	if r.stmt == nil {
		return nil
	}
	stmt := r.stmt
	r.stmt = nil
	if err := r.Rows.Close(); err != nil {
		_ = stmt.Close() // the first error says more
		return err
	}
	return r.conn.give(r.query, stmt)
}
