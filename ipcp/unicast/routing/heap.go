package routing

// reach is a path found so far.
type reach struct {
	dist uint64
	to   int32
}

func (p reach) before(q reach) bool { return p.dist < q.dist || p.dist == q.dist && p.to < q.to }

// pathHeap is a binary heap of paths, shortest first, without the boxing of container/heap.
type pathHeap []reach

func (h *pathHeap) push(p reach) {
	*h = append(*h, p)
	a := *h
	i := len(a) - 1
	for i > 0 && p.before(a[(i-1)/2]) {
		a[i] = a[(i-1)/2]
		i = (i - 1) / 2
	}
	a[i] = p
}

func (h *pathHeap) pop() reach {
	a := *h
	top, p := a[0], a[len(a)-1]
	a = a[:len(a)-1]
	*h = a
	i := 0
	for c := 1; c < len(a); c = 2*i + 1 {
		if c+1 < len(a) && a[c+1].before(a[c]) {
			c++
		}
		if !a[c].before(p) {
			break
		}
		a[i] = a[c]
		i = c
	}
	if len(a) > 0 {
		a[i] = p
	}
	return top
}

// resized returns a slice of length n, s itself if it has room. What it holds is undefined.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
