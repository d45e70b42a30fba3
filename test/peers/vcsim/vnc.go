package main

import (
	"crypto/des"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"log"
	"math/bits"
	"net"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// VNC of a host before 7.0: a machine whose settings say so has a port of its host, and a password. VMware's documents name the settings
// and no more; that a change is in force at once is what they say of all settings from 5.5 on.
type vnc struct {
	sync.Mutex
	listener    net.Listener
	connections map[net.Conn]bool
	password    string
}

// nameHosts gives hosts addresses at which they can be reached, so that each has ports of its own.
func nameHosts(network, version string) {
	for index, each := range simulator.Map.All("HostSystem") {
		host := each.(*simulator.HostSystem)
		product := types.AboutInfo{}
		if host.Summary.Config.Product != nil {
			product = *host.Summary.Config.Product
		}
		if version != "" {
			product.ApiVersion, product.Version = version, version
		}
		host.Summary.Config.Product = &product
		if network != "" && len(simulator.Map.All("HostSystem")) > 1 {
			host.Name = fmt.Sprintf("%s.%d", network, index+1)
			host.Summary.Config.Name = host.Name
		}
	}
}

// The simulator keeps each setting as often as it was set. Here the last one counts, and an empty one takes it away.
func (m *machine) ReconfigVMTask(ctx *simulator.Context, request *types.ReconfigVM_Task) soap.HasFault {
	set := map[string]bool{}
	var added []types.BaseOptionValue
	for _, each := range request.Spec.ExtraConfig {
		option := each.GetOptionValue()
		set[option.Key] = true
		if option.Value != "" {
			added = append(added, each)
		}
	}
	var kept []types.BaseOptionValue
	for _, each := range m.Config.ExtraConfig {
		if !set[each.GetOptionValue().Key] {
			kept = append(kept, each)
		}
	}
	m.Config.ExtraConfig = kept
	request.Spec.ExtraConfig = added
	answer := m.VirtualMachine.ReconfigVMTask(ctx, request)
	m.setVnc()
	return answer
}

func (m *machine) setVnc() {
	settings := map[string]string{}
	for _, each := range m.Config.ExtraConfig {
		option := each.GetOptionValue()
		settings[strings.ToLower(option.Key)] = fmt.Sprint(option.Value)
	}
	if m.vnc != nil {
		m.vnc.close()
		m.vnc = nil
	}
	if !strings.EqualFold(settings["remotedisplay.vnc.enabled"], "true") {
		return
	}
	host := simulator.Map.Get(*m.Runtime.Host).(*simulator.HostSystem).Name
	if len(simulator.Map.All("HostSystem")) == 1 {
		host = m.consoles.address.IP.String()
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, settings["remotedisplay.vnc.port"]))
	if err != nil {
		log.Print(err)
		return
	}
	m.vnc = &vnc{
		listener:    listener,
		connections: map[net.Conn]bool{},
		password:    settings["remotedisplay.vnc.password"],
	}
	go m.vnc.serve(m.consoles)
}

func (v *vnc) serve(screens *consoles) {
	for {
		viewer, err := v.listener.Accept()
		if err != nil {
			return
		}
		v.Lock()
		v.connections[viewer] = true
		v.Unlock()
		go func() {
			defer viewer.Close()
			if err := v.relay(viewer, screens); err != nil {
				log.Print(err)
			}
		}()
	}
}

func (v *vnc) close() {
	v.listener.Close()
	v.Lock()
	defer v.Unlock()
	for each := range v.connections {
		each.Close()
	}
}

// relay asks for the password, as RFC 6143 §7.2.2 has it, and then is the screen, which asks for none.
func (v *vnc) relay(viewer net.Conn, screens *consoles) error {
	if err := v.admit(viewer); err != nil {
		return err
	}
	screen, _, err := screens.dial()
	if err != nil {
		return err
	}
	defer screen.Close()
	if _, err := screen.Write([]byte("RFB 003.008\n")); err != nil {
		return err
	}
	// 1 number-of-security-types, 1 None
	if _, err := io.ReadFull(screen, make([]byte, 2)); err != nil {
		return err
	}
	if _, err := screen.Write([]byte{1}); err != nil {
		return err
	}
	// Its SecurityResult is passed on with the rest.
	go func() {
		defer viewer.Close()
		_, _ = io.Copy(viewer, screen)
	}()
	_, err = io.Copy(screen, viewer)
	return err
}

func (v *vnc) admit(viewer net.Conn) error {
	if _, err := viewer.Write([]byte("RFB 003.008\n")); err != nil {
		return err
	}
	if _, err := io.ReadFull(viewer, make([]byte, 12)); err != nil {
		return err
	}
	if _, err := viewer.Write([]byte{1, 2}); err != nil {
		return err
	}
	chosen := make([]byte, 1)
	if _, err := io.ReadFull(viewer, chosen); err != nil {
		return err
	}
	challenge, answer := make([]byte, 16), make([]byte, 16)
	if _, err := rand.Read(challenge); err != nil {
		return err
	}
	if _, err := viewer.Write(challenge); err != nil {
		return err
	}
	if _, err := io.ReadFull(viewer, answer); err != nil {
		return err
	}
	right, err := encrypt(challenge, v.password)
	if err != nil {
		return err
	}
	if chosen[0] == 2 && v.password != "" && subtle.ConstantTimeCompare(right, answer) == 1 {
		return nil
	}
	reason := "wrong password"
	refusal := append([]byte{0, 0, 0, 1, 0, 0, 0, byte(len(reason))}, reason...)
	if _, err := viewer.Write(refusal); err != nil {
		return err
	}
	return fmt.Errorf("VNC: %s", reason)
}

// encrypt is DES with the bits of each byte of the key the other way round.
func encrypt(challenge []byte, password string) ([]byte, error) {
	key := make([]byte, 8)
	for index, each := range []byte(password) {
		if index < len(key) {
			key[index] = bits.Reverse8(each)
		}
	}
	cipher, err := des.NewCipher(key)
	if err != nil {
		return nil, err
	}
	result := make([]byte, len(challenge))
	for at := 0; at < len(challenge); at += cipher.BlockSize() {
		cipher.Encrypt(result[at:], challenge[at:])
	}
	return result, nil
}
