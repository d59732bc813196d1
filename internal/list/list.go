// Package list is a doubly linked list whose links are parts of its elements, so that to join and to leave it takes constant
// time and no memory.
package list

// Node is what an element of a list has as a field. An element is in one list at a time, or in none; the zero Node is in
// none.
type Node[T any] struct {
	value      T
	prev, next *Node[T]
}

// Next returns the element behind this one, the zero value if there is none.
func (n *Node[T]) Next() T { return n.next.or() }

// Prev returns the element before this one, the zero value if there is none.
func (n *Node[T]) Prev() T { return n.prev.or() }

// or returns the element of a node, the zero value for nil.
func (n *Node[T]) or() (v T) {
	if n != nil {
		v = n.value
	}
	return v
}

// List is a list of elements, mostly pointers. The zero List is empty. It is not safe for concurrent use.
type List[T any] struct {
	first, last *Node[T]
	n           int
}

// Len returns the number of elements.
func (l *List[T]) Len() int { return l.n }

// First returns the first element, the zero value if there is none.
func (l *List[T]) First() T { return l.first.or() }

// Last returns the last element, the zero value if there is none.
func (l *List[T]) Last() T { return l.last.or() }

// PushBack makes v, whose node is n, the last element.
func (l *List[T]) PushBack(v T, n *Node[T]) {
	n.value, n.prev, n.next = v, l.last, nil
	if l.last == nil {
		l.first = n
	} else {
		l.last.next = n
	}
	l.last = n
	l.n++
}

// PushFront makes v, whose node is n, the first element.
func (l *List[T]) PushFront(v T, n *Node[T]) {
	n.value, n.prev, n.next = v, nil, l.first
	if l.first == nil {
		l.last = n
	} else {
		l.first.prev = n
	}
	l.first = n
	l.n++
}

// Remove takes the element with the node n out, which must be in this list.
func (l *List[T]) Remove(n *Node[T]) {
	if n.prev == nil {
		l.first = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		l.last = n.prev
	} else {
		n.next.prev = n.prev
	}
	*n = Node[T]{}
	l.n--
}
