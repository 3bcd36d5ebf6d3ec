package condition

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"autoscalebot/internal/baseten"
)

// Facts is what a condition can ask about: one person wanting one change.
type Facts struct {
	User string
	// Groups are the policy's groups that the person is in. GroupsKnown is false
	// where a user group could not be read: then groups has no value.
	Groups      []string
	GroupsKnown bool
	Channel     string
	Target      baseten.Target
	// Before holds the settings in force, Touched those asked for.
	Before, Touched baseten.Settings
	Reason          string
	// Duration is how long the change is to hold; zero has no value.
	Duration time.Duration
	// Cost is nil, and each part of it NaN, where the price is not known.
	Cost *baseten.Cost
	// Now has no value while it is zero. Location is the policy's time zone.
	Now      time.Time
	Location *time.Location
}

// variable is a name that conditions can use.
type variable struct {
	is *cel.Type
	// optional tells that has() may ask about it: it can be absent, or an empty text.
	optional bool
	// of returns the value of a variable without fields, field that of a field, each
	// nil where it is absent.
	of    func(f *Facts) any
	field func(f *Facts, name string) any
}

// The variables. target is the environment asked for or served, else the
// deployment's name: one thing has one name, however it was named in the command.
var variables = map[string]variable{
	"before": {is: cel.ObjectType("settings"), field: func(f *Facts, name string) any { return setting(name, f.Before) }},
	"after":  {is: cel.ObjectType("settings"), field: func(f *Facts, name string) any { return setting(name, f.Touched, f.Before) }},
	"change": {is: cel.ObjectType("changes"), field: func(f *Facts, name string) any { return move(f, baseten.Field(name)) }},
	"cost":   {is: cel.ObjectType("costs"), field: func(f *Facts, name string) any { return usd(f.Cost, name) }},
	"local":  {is: cel.ObjectType("local_time"), field: clock},

	"user":       {is: cel.StringType, of: func(f *Facts) any { return f.User }},
	"groups":     {is: cel.ListType(cel.StringType), optional: true, of: func(f *Facts) any { return only(f.GroupsKnown, f.Groups) }},
	"channel":    {is: cel.StringType, optional: true, of: func(f *Facts) any { return f.Channel }},
	"model":      {is: cel.StringType, of: func(f *Facts) any { return f.Target.Model }},
	"team":       {is: cel.StringType, optional: true, of: func(f *Facts) any { return f.Target.Team }},
	"target":     {is: cel.StringType, of: func(f *Facts) any { return cmp.Or(f.Target.Slot(), f.Target.Deployment) }},
	"deployment": {is: cel.StringType, optional: true, of: func(f *Facts) any { return f.Target.Deployment }},
	"kind":       {is: cel.StringType, of: func(f *Facts) any { return f.Target.Kind() }},
	"serves":     {is: cel.StringType, optional: true, of: func(f *Facts) any { return f.Target.Slot() }},
	"reason":     {is: cel.StringType, optional: true, of: func(f *Facts) any { return strings.TrimSpace(f.Reason) }},
	"duration":   {is: cel.IntType, optional: true, of: func(f *Facts) any { return only(f.Duration != 0, int64(f.Duration/time.Second)) }},
	"now":        {is: cel.TimestampType, optional: true, of: func(f *Facts) any { return only(!f.Now.IsZero(), f.Now) }},
}

// given is the variable behind has(duration): its fields are the variables that has()
// may ask about. No condition can spell it.
const given = "@given"

// fieldsOf holds the fields of each type that has some.
var fieldsOf = map[string]map[string]*cel.Type{
	"settings":   eachSetting(cel.IntType),
	"changes":    eachSetting(cel.ObjectType("move")),
	"move":       {"from": cel.IntType, "to": cel.IntType, "up": cel.BoolType, "down": cel.BoolType},
	"costs":      {"floor_before": cel.DoubleType, "floor_after": cel.DoubleType, "ceiling_before": cel.DoubleType, "ceiling_after": cel.DoubleType},
	"local_time": {"hour": cel.IntType, "minute": cel.IntType, "weekday": cel.IntType},
	given:        optional(),
}

func eachSetting(is *cel.Type) map[string]*cel.Type {
	out := map[string]*cel.Type{}
	for _, row := range baseten.AllSettings {
		out[string(row.Field)] = is
	}
	return out
}

func optional() map[string]*cel.Type {
	out := map[string]*cel.Type{}
	for name, v := range variables {
		if v.optional {
			out[name] = v.is
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// object is a value with fields. CEL reads them through the provider.
type object struct {
	path string
	// field returns a field's value, nil if it is absent.
	field func(name string) any
	// untouched is the setting of a change.FIELD that is not asked to change.
	untouched baseten.Field
}

// absence is the error of reading a value that is not there.
type absence struct {
	value     string
	untouched baseten.Field
}

func (a *absence) Error() string { return a.value + " has no value" }

func (o object) get(name string) (any, error) {
	if v := o.field(name); v != nil {
		return v, nil
	}
	return nil, &absence{value: o.path + "." + name, untouched: o.untouched}
}

func (o object) has(name string) bool {
	v := o.field(name)
	if part, ok := v.(object); ok {
		return part.untouched == ""
	}
	return v != nil && v != ""
}

// provider tells CEL the fields of our types. With maps in their place a misspelt
// field would load, and with Go's structs an absent one would be null, which equals
// nothing and so makes "not equal" true.
type provider struct{ *types.Registry }

// NativeToValue lets no object become a value: conditions only read its fields.
func (p provider) NativeToValue(v any) ref.Val {
	if _, ok := v.(object); ok {
		return types.NullValue
	}
	return p.Registry.NativeToValue(v)
}

// FindStructType knows the types by name.
func (p provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := fieldsOf[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return nil, false
}

// FindStructFieldNames lists a type's fields.
func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	fields, ok := fieldsOf[name]
	return sortedKeys(fields), ok
}

// FindStructFieldType knows a field's type, and how to read it.
func (p provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	is, ok := fieldsOf[name][field]
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type:    is,
		IsSet:   func(o any) bool { return o.(object).has(field) },
		GetFrom: func(o any) (any, error) { return o.(object).get(field) },
	}, true
}

// activation gives CEL the values of the variables.
type activation struct{ facts *Facts }

// Parent is none.
func (a activation) Parent() cel.Activation { return nil }

// ResolveName returns a variable's value, or the error that it has none.
func (a activation) ResolveName(name string) (any, bool) {
	if name == given {
		return object{path: given, field: func(name string) any { return variables[name].of(a.facts) }}, true
	}
	v, ok := variables[name]
	switch {
	case !ok:
		return nil, false
	case v.field != nil:
		return object{path: name, field: func(field string) any { return v.field(a.facts, field) }}, true
	}
	if value := v.of(a.facts); value != nil {
		return value, true
	}
	return types.WrapErr(&absence{value: name}), true
}

func only(known bool, v any) any {
	if !known {
		return nil
	}
	return v
}

// setting is the field's value in the first settings that hold it.
func setting(name string, from ...baseten.Settings) any {
	for _, s := range from {
		if v, ok := s[baseten.Field(name)]; ok {
			return int64(v)
		}
	}
	return nil
}

// move is change.FIELD.
func move(f *Facts, field baseten.Field) object {
	from, known := f.Before[field]
	to, touched := f.Touched[field]
	o := object{path: "change." + string(field), field: func(name string) any {
		switch {
		case !touched:
			return nil
		case name == "to":
			return int64(to)
		case !known:
			return nil
		case name == "from":
			return int64(from)
		case name == "up":
			return to > from
		default: // down
			return to < from
		}
	}}
	if !touched {
		o.untouched = field
	}
	return o
}

// usd is a part of the cost, nil if it is not known.
func usd(c *baseten.Cost, name string) any {
	if c == nil {
		return nil
	}
	v := map[string]float64{
		"floor_before": c.FloorBefore, "floor_after": c.FloorAfter,
		"ceiling_before": c.CeilingBefore, "ceiling_after": c.CeilingAfter,
	}[name]
	return only(!math.IsNaN(v), v)
}

// clock is a part of the time in the policy's zone. Sunday is 0.
func clock(f *Facts, name string) any {
	if f.Now.IsZero() {
		return nil
	}
	t := f.Now.In(cmp.Or(f.Location, time.UTC))
	return int64(map[string]int{"hour": t.Hour(), "minute": t.Minute(), "weekday": int(t.Weekday())}[name])
}
