package oap_test

import (
	"fmt"
	"math/rand/v2"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/oap"
)

// A client asks for an encrypted flow to a server that shows a certificate: one message each way.
func ExampleNewRequest() {
	const now = 1771781346_000000000
	env := func(seed byte) core.Env {
		return core.Env{Wall: func() int64 { return now }, Entropy: rand.NewChaCha8([32]byte{seed})}
	}
	authority, err := crypt.NewAuthority(env(1).Entropy, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	roots, _ := authority.Roots()
	own, _ := authority.Issue("video.example")
	enc, _ := crypt.ParseConfig("enc.conf", []byte("kex = X25519MLKEM768\ncipher = chacha20-poly1305\n"))

	request, toServer, err := oap.NewRequest(env(2), "video.example", &oap.Config{Enc: enc, Roots: roots, RequirePeer: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	var server oap.Server
	toClient, at, err := server.Respond(env(3), &oap.Config{Credentials: own}, toServer)
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := request.Verify(env(2), toClient)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(toServer), "bytes there,", len(toClient), "back")
	fmt.Println(crypt.CipherName(got.Security.Cipher), "with", got.Peer)
	fmt.Println("same key:", got.Security.Key == at.Security.Key)
	// Output:
	// 1252 bytes there, 1543 back
	// chacha20-poly1305 with video.example
	// same key: true
}
