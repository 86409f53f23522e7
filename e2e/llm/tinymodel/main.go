// Command tinymodel writes a model file for llama.cpp that needs no training and no download: a real server then streams
// Portuguese words, the same at temperature 0.
//
// The weights of attention and feed-forward are zero, so a token depends on the one before it alone: its embedding is a
// one-hot vector, and the output matrix holds the logarithms of how often one word follows another in the sentences below.
// Zero weights still cost time, so more layers make a slower model; the file stays sparse.
package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
)

const corpus = `Olá! Como posso ajudar você hoje?
Olá! Seja bem-vindo ao nosso atendimento. Em que posso ajudar você agora?
Nosso horário de funcionamento é de segunda a sexta, das nove às dezoito horas.
O prazo de entrega é de três a cinco dias úteis para todo o Brasil.
Você pode pagar com cartão de crédito, boleto ou Pix em até dez vezes sem juros.
Para trocar um produto, envie o número do pedido e uma foto do produto.
A devolução do produto é gratuita em até sete dias após a entrega.
O seu pedido foi enviado e chega em até cinco dias úteis.
Posso ajudar você com mais alguma coisa sobre o seu pedido?
Obrigado pelo contato! Tenha um bom dia e volte sempre.`

// template puts a conversation into the tokens of this model.
const template = `{{ bos_token }}{% for m in messages %}<|{{ m.role if m.role in ['system','user','assistant'] else 'tool' }}|>` +
	`{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`

// Kinds of tokens and of values in a GGUF file.
const (
	tokenNormal, tokenUnknown, tokenControl, tokenByte = 1, 2, 3, 6
	typeUint32, typeInt32, typeFloat32, typeBool       = 4, 5, 6, 7
	typeString, typeArray                              = 8, 9
	alignment                                          = 32
	headSize                                           = 64
	endOfText                                          = 2
)

type token struct {
	text  string
	score float32
	kind  int32
}

// vocabulary is what the model can say, and what follows what.
type vocabulary struct {
	tokens  []token
	ids     map[string]int
	follows map[int]map[int]float64
}

func (v *vocabulary) add(text string, score float32, kind int32) int {
	if id, known := v.ids[text]; known {
		return id
	}
	v.ids[text] = len(v.tokens)
	v.tokens = append(v.tokens, token{text, score, kind})
	return len(v.tokens) - 1
}

func (v *vocabulary) follow(before, after int) {
	if v.follows[before] == nil {
		v.follows[before] = map[int]float64{}
	}
	v.follows[before][after]++
}

// learn reads the corpus. An endless model begins another sentence where a sentence ends.
func learn(endless bool) *vocabulary {
	v := &vocabulary{ids: map[string]int{}, follows: map[int]map[int]float64{}}
	v.add("<unk>", 0, tokenUnknown)
	v.add("<s>", 0, tokenControl)
	v.add("</s>", 0, tokenControl)
	for b := range 256 {
		v.add(fmt.Sprintf("<0x%02X>", b), 0, tokenByte)
	}
	for _, role := range []string{"system", "user", "assistant", "tool"} {
		v.add("<|"+role+"|>", 0, tokenControl)
	}
	begin := v.ids["<|assistant|>"]
	pieces := regexp.MustCompile(`[\pL\pN_-]+|[^\pL\pN_\s]`)
	var ends []int
	for line := range strings.Lines(corpus) {
		before := begin
		for _, word := range strings.Fields(line) {
			for i, piece := range pieces.FindAllString(word, -1) {
				if i == 0 {
					piece = "▁" + piece
				}
				id := v.add(piece, -float32(len(v.tokens)), tokenNormal)
				v.follow(before, id)
				before = id
			}
		}
		if endless {
			ends = append(ends, before)
		} else {
			v.follow(before, endOfText)
		}
	}
	for _, end := range ends {
		for first, n := range v.follows[begin] {
			if v.follows[end] == nil {
				v.follows[end] = map[int]float64{}
			}
			v.follows[end][first] = n
		}
	}
	for _, letter := range "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789áéíóúâêôãõçÁÉÍÓÚ.,!?" {
		v.add(string(letter), -2000, tokenNormal)
	}
	return v
}

// file is a GGUF file in the making.
type file struct {
	meta    bytes.Buffer
	entries uint64
	tensors []tensor
}

// tensor has columns × rows numbers of 32 bits; without data it is all zero.
type tensor struct {
	name          string
	columns, rows int // rows 0: a vector
	data          []float32
}

func (t tensor) size() int { return 4 * t.columns * max(1, t.rows) }

func write(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		if s, ok := v.(string); ok {
			write(b, uint64(len(s)))
			b.WriteString(s)
			continue
		}
		if err := binary.Write(b, binary.LittleEndian, v); err != nil {
			log.Fatal(err) // only for values of a type without a size
		}
	}
}

func (f *file) set(key string, kind uint32, values ...any) {
	f.entries++
	write(&f.meta, key, kind)
	write(&f.meta, values...)
}

func main() {
	out := flag.String("o", "tiny-pt.gguf", "the file to write")
	layers := flag.Int("layers", 1, "more are slower")
	ff := flag.Int("ff", 64, "width of a layer; more is slower")
	endless := flag.Bool("endless", false, "answers have no end")
	flag.Parse()
	if err := build(*out, *layers, *ff, *endless); err != nil {
		log.Fatal(err)
	}
}

func build(path string, layers, ff int, endless bool) error {
	v := learn(endless)
	n := len(v.tokens)
	width := (n + headSize - 1) / headSize * headSize
	var f file
	f.describe(v, width, layers, ff)

	embedding := make([]float32, n*width)
	for i := range n {
		embedding[i*width+i] = 1
	}
	output := make([]float32, n*width)
	scale := math.Sqrt(float64(width)) // the normalisation before the output multiplies a one-hot vector by this
	for before, after := range v.follows {
		total := 0.0
		for _, count := range after {
			total += count
		}
		for id, count := range after {
			output[id*width+before] = float32((20 + math.Log(count/total)) / scale)
		}
	}
	ones := slices.Repeat([]float32{1}, width)
	f.tensors = append(f.tensors, tensor{"token_embd.weight", width, n, embedding}, tensor{"output_norm.weight", width, 0, ones}, tensor{"output.weight", width, n, output})
	for i := range layers {
		add := func(name string, columns, rows int, data []float32) {
			f.tensors = append(f.tensors, tensor{fmt.Sprintf("blk.%d.%s.weight", i, name), columns, rows, data})
		}
		add("attn_norm", width, 0, ones)
		add("ffn_norm", width, 0, ones)
		add("attn_q", width, width, nil)
		add("attn_k", width, headSize, nil)
		add("attn_v", width, headSize, nil)
		add("attn_output", width, width, nil)
		add("ffn_gate", width, ff, nil)
		add("ffn_up", width, ff, nil)
		add("ffn_down", ff, width, nil)
	}
	return f.save(path)
}

// describe writes what llama.cpp wants to know.
func (f *file) describe(v *vocabulary, width, layers, ff int) {
	f.set("general.architecture", typeString, "llama")
	f.set("general.name", typeString, "tiny-pt")
	f.set("general.file_type", typeUint32, uint32(0))
	for key, value := range map[string]int{"context_length": 65536, "embedding_length": width, "block_count": layers, "feed_forward_length": ff,
		"attention.head_count": width / headSize, "attention.head_count_kv": 1, "rope.dimension_count": headSize, "vocab_size": len(v.tokens)} {
		f.set("llama."+key, typeUint32, uint32(value))
	}
	f.set("llama.attention.layer_norm_rms_epsilon", typeFloat32, float32(1e-5))
	f.set("tokenizer.ggml.model", typeString, "llama")
	count := uint64(len(v.tokens))
	f.set("tokenizer.ggml.tokens", typeArray, uint32(typeString), count)
	for _, t := range v.tokens {
		write(&f.meta, t.text)
	}
	f.set("tokenizer.ggml.scores", typeArray, uint32(typeFloat32), count)
	for _, t := range v.tokens {
		write(&f.meta, t.score)
	}
	f.set("tokenizer.ggml.token_type", typeArray, uint32(typeInt32), count)
	for _, t := range v.tokens {
		write(&f.meta, t.kind)
	}
	for key, value := range map[string]int{"bos": 1, "eos": endOfText, "unknown": 0} {
		f.set("tokenizer.ggml."+key+"_token_id", typeUint32, uint32(value))
	}
	f.set("tokenizer.ggml.add_bos_token", typeBool, false)
	f.set("tokenizer.ggml.add_space_prefix", typeBool, false)
	f.set("tokenizer.chat_template", typeString, template)
}

func aligned(n int) int { return (n + alignment - 1) / alignment * alignment }

// save writes the file; what is zero becomes a hole in it.
func (f *file) save(path string) error {
	var head bytes.Buffer
	write(&head, uint32(0x46554747), uint32(3), uint64(len(f.tensors)), f.entries)
	head.Write(f.meta.Bytes())
	offset := 0
	for _, t := range f.tensors {
		if t.rows == 0 {
			write(&head, t.name, uint32(1), uint64(t.columns))
		} else {
			write(&head, t.name, uint32(2), uint64(t.columns), uint64(t.rows))
		}
		write(&head, uint32(0), uint64(offset)) // 0: numbers of 32 bits
		offset += aligned(t.size())
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := out.Write(head.Bytes()); err != nil {
		return err
	}
	at := aligned(head.Len())
	if err := out.Truncate(int64(at + offset)); err != nil {
		return err
	}
	for _, t := range f.tensors {
		if t.data != nil {
			var b bytes.Buffer
			write(&b, t.data)
			if _, err := out.WriteAt(b.Bytes(), int64(at)); err != nil {
				return err
			}
		}
		at += aligned(t.size())
	}
	return out.Close()
}
