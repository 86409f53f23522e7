package store

import "aihub/store/internal/doc"

// Collections, by their names in the database.
const (
	collTenants       = "distribuidores"
	collUsers         = "usuarios"
	collConversations = "conversas"
	collInteractions  = "interacoes"
	collPlans         = "planos_de_uso"
	collSubscriptions = "assinaturas_plano"
	collUsage         = "uso"
	collConfigs       = "configuracoes_llm"
	collModels        = "llm_modelos"
	collWidgetKeys    = "chaves_widget"
	collVisitors      = "visitantes"
)

// indexes of all collections; every engine puts distribuidor_id before the fields. What is unique here arbitrates
// between copies of a command.
var indexes = []doc.Index{
	{Coll: collTenants, Fields: []string{"slug"}},
	{Coll: collUsers, Fields: []string{"email"}, Unique: true},
	{Coll: collConversations, Fields: []string{"usuario_id", "atualizada_em"}},
	{Coll: collConversations, Fields: []string{"usuario_id", "cid"}, Unique: true, Where: "cid"},
	{Coll: collInteractions, Fields: []string{"conversa_id", "id"}},
	{Coll: collInteractions, Fields: []string{"conversa_id", "autor", "cid"}, Unique: true, Where: "cid"},
	{Coll: collInteractions, Fields: []string{"execucao.id"}, Where: "execucao.id"},
	{Coll: collInteractions, Fields: []string{"execucao.pendente"}, Where: "execucao.pendente"},
	{Coll: collPlans, Fields: []string{"padrao"}},
	{Coll: collSubscriptions, Fields: []string{"usuario_id", "estado"}},
	{Coll: collUsage, Fields: []string{"abertas"}},
	{Coll: collConfigs, Fields: []string{"estado"}},
	{Coll: collModels, Fields: []string{"chave"}},
	{Coll: collWidgetKeys, Fields: []string{"estado"}},
	{Coll: collVisitors, Fields: []string{"chave_id", "identidade"}, Unique: true, Where: "identidade"},
}
