package slackbot

// memory is a map that forgets the oldest key for a new one. Its user holds a lock.
type memory[K comparable, V any] struct {
	values map[K]V
	order  []K // a ring of the keys, in the order in which they came
	next   int
}

func newMemory[K comparable, V any](most int) *memory[K, V] {
	return &memory[K, V]{values: make(map[K]V), order: make([]K, 0, most)}
}

func (m *memory[K, V]) get(key K) (V, bool) {
	v, ok := m.values[key]
	return v, ok
}

func (m *memory[K, V]) put(key K, value V) {
	_, known := m.values[key]
	m.values[key] = value
	switch {
	case known:
	case len(m.order) < cap(m.order):
		m.order = append(m.order, key)
	default:
		delete(m.values, m.order[m.next])
		m.order[m.next] = key
		m.next = (m.next + 1) % len(m.order)
	}
}
