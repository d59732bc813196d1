package awserr

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Cached puts a cache around a provider that is none, as config.LoadDefaultConfig does: a provider may call a service, or
// run a program, each time that it is asked. Nil stays nil.
func Cached(provider aws.CredentialsProvider) aws.CredentialsProvider {
	if _, cached := provider.(*aws.CredentialsCache); cached || provider == nil {
		return provider
	}
	return aws.NewCredentialsCache(provider)
}

// Keys lend the credentials of one client to its calls, and drop what the service refuses from their cache: once,
// however many calls had been signed with it, and never what has come in its place. The zero Keys are ready. They are safe
// for concurrent use.
type Keys struct {
	mu         sync.Mutex
	cache      *aws.CredentialsCache // guarded by mu: what the last call was lent from
	generation int                   // guarded by mu: counts what was dropped
	newest     key                   // guarded by mu: the last that was lent
}

// key tells credentials apart.
type key struct{ id, secret, token string }

// loan is what a call was lent. The zero loan has nothing to drop.
type loan struct {
	keys       *Keys
	generation int
	key        key
}

// Lend returns the provider for one call, which notes what it is given. A provider that is no cache is returned as it is:
// it is asked for each call, so there is nothing to drop.
func (k *Keys) Lend(provider aws.CredentialsProvider, call *Call) aws.CredentialsProvider {
	cache, ok := provider.(*aws.CredentialsCache)
	if !ok {
		return provider
	}
	return lender{cache, k, call}
}

// lender is the cache for one call, with all that the SDK asks of one.
type lender struct {
	*aws.CredentialsCache
	keys *Keys
	call *Call
}

// Retrieve implements aws.CredentialsProvider.
func (l lender) Retrieve(ctx context.Context) (aws.Credentials, error) {
	return l.keys.Retrieve(ctx, l.CredentialsCache, l.call)
}

// Retrieve asks the provider for the credentials of one call, as that which Lend returns does.
func (k *Keys) Retrieve(ctx context.Context, provider aws.CredentialsProvider, call *Call) (aws.Credentials, error) {
	cache, ok := provider.(*aws.CredentialsCache)
	if !ok {
		return provider.Retrieve(ctx)
	}
	generation := k.lends(cache)
	c, err := cache.Retrieve(ctx)
	if err == nil {
		call.loan = k.lent(generation, key{c.AccessKeyID, c.SecretAccessKey, c.SessionToken})
	}
	return c, err
}

func (k *Keys) lends(cache *aws.CredentialsCache) (generation int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cache != cache {
		k.cache, k.newest = cache, key{}
		k.generation++
	}
	return k.generation
}

func (k *Keys) lent(generation int, lent key) loan {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.newest = lent
	return loan{k, generation, lent}
}

// drop makes the next call load the credentials again, unless they were since.
func (l loan) drop() {
	if l.keys == nil {
		return
	}
	l.keys.mu.Lock()
	defer l.keys.mu.Unlock()
	if l.generation == l.keys.generation && l.key == l.keys.newest {
		l.keys.generation++
		l.keys.cache.Invalidate()
	}
}
