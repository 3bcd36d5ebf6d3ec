package baseten

import (
	"context"
	"math"
	"sync"
	"time"
)

// PriceList answers what a replica costs. The zero value knows no price.
type PriceList struct {
	byID, byName map[string]float64 // USD per minute; NaN where two entries differ
}

// NewPriceList indexes prices.
func NewPriceList(prices []Price) PriceList {
	l := PriceList{byID: make(map[string]float64, len(prices)), byName: make(map[string]float64, len(prices))}
	for _, p := range prices {
		putPrice(l.byID, p.InstanceType.ID, p.PerMinute)
		putPrice(l.byName, p.InstanceType.Name, p.PerMinute)
	}
	return l
}

func putPrice(m map[string]float64, key string, price float64) {
	if old, ok := m[key]; ok && old != price {
		price = math.NaN()
	}
	m[key] = price
}

// PerHour returns the list price of one replica in USD per hour. Environments give
// the ID of their instance type, deployments only its name: the ID decides where
// it is given. ok is false where the price is unknown or the name has several; it
// is never 0. Negotiated rates are not in it.
func (l PriceList) PerHour(instanceTypeName, instanceTypeID string) (usd float64, ok bool) {
	price, ok := l.byName[instanceTypeName]
	if instanceTypeID != "" {
		price, ok = l.byID[instanceTypeID]
	}
	if !ok || instanceTypeName+instanceTypeID == "" || !(price > 0) || math.IsInf(price, 0) {
		return 0, false
	}
	return price * 60, true
}

// Cost is the list price of the target before and after, nil where it is not known:
// the instance type has no price, or a bound is not set.
func (l PriceList) Cost(r Resolved, before, after Settings) *Cost {
	name, id := "", ""
	if r.Environment != nil {
		name, id = r.Environment.InstanceType.Name, r.Environment.InstanceType.ID
	} else if r.Deployment != nil {
		name = r.Deployment.InstanceType
	}
	perHour, ok := l.PerHour(name, id)
	if !ok {
		return nil
	}
	for _, s := range []Settings{before, after} {
		_, least := s[MinReplica]
		_, most := s[MaxReplica]
		if !least || !most {
			return nil
		}
	}
	cost := &Cost{
		FloorBefore: float64(before[MinReplica]) * perHour, FloorAfter: float64(after[MinReplica]) * perHour,
		CeilingBefore: float64(before[MaxReplica]) * perHour, CeilingAfter: float64(after[MaxReplica]) * perHour,
	}
	if !(max(cost.FloorBefore, cost.FloorAfter, cost.CeilingBefore, cost.CeilingAfter) < mostUSD) {
		return nil // not a price; JSON has no infinity either
	}
	return cost
}

// Against is the same price held against other settings before; after are those that it
// was made for. It is nil where that cannot be told.
func (c *Cost) Against(before, after Settings) *Cost {
	least, hasLeast := before[MinReplica]
	most, hasMost := before[MaxReplica]
	if c == nil || !hasLeast || !hasMost || after[MaxReplica] < 1 {
		return nil
	}
	perHour := c.CeilingAfter / float64(after[MaxReplica])
	out := *c
	out.FloorBefore, out.CeilingBefore = float64(least)*perHour, float64(most)*perHour
	return &out
}

// mostUSD is more per hour than anybody could be charged.
const mostUSD = 1e12

const (
	// DefaultPricesTTL is how long a price list is good.
	DefaultPricesTTL = time.Hour
	// pricesPause lies between two tries while Baseten does not give the list:
	// prices are worth showing, not worth waiting for.
	pricesPause = time.Minute
)

// Prices keeps the price list. It is safe for concurrent use.
type Prices struct {
	client *Client
	now    func() time.Time
	ttl    time.Duration

	turn chan struct{} // holds one token: whoever has it may call Baseten

	mu       sync.Mutex
	list     PriceList
	has      bool
	askAfter time.Time
	err      error
}

// NewPrices makes no call. A ttl of 0 is DefaultPricesTTL.
func NewPrices(client *Client, now func() time.Time, ttl time.Duration) *Prices {
	if ttl <= 0 {
		ttl = DefaultPricesTTL
	}
	return &Prices{client: client, now: now, ttl: ttl, turn: make(chan struct{}, 1)}
}

// List returns the price list. When it cannot be renewed the old one is returned,
// since list prices seldom change; the error only where there has never been one.
func (p *Prices) List(ctx context.Context) (PriceList, error) {
	if list, err, good := p.known(); good {
		return list, err
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return PriceList{}, &Error{Kind: KindUnreachable, Op: "instance_type_prices", cause: ctx.Err()}
	}
	if list, err, good := p.known(); good {
		return list, err
	}
	prices, err := p.client.InstanceTypePrices(ctx)

	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.list, p.has, p.err = NewPriceList(prices), true, nil
		p.askAfter = p.now().Add(p.ttl)
	case ctx.Err() == nil:
		p.err, p.askAfter = err, p.now().Add(pricesPause)
	}
	if p.has {
		return p.list, nil
	}
	return PriceList{}, err
}

// known returns what is good without a call.
func (p *Prices) known() (list PriceList, err error, good bool) { //nolint:revive // good says whether list and err are
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.now().Before(p.askAfter) {
		return PriceList{}, nil, false
	}
	if p.has {
		return p.list, nil, true
	}
	return PriceList{}, p.err, true
}
