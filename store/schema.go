package store

import "aihub/store/internal/doc"

// Collections, by their names in the database.
const (
	collTenants       = "distribuidores"
	collAddresses     = "enderecos"
	collUsers         = "usuarios"
	collConversations = "conversas"
	collInteractions  = "interacoes"
	collPlans         = "planos_de_uso"
	collSubscriptions = "assinaturas_plano"
	collUsage         = "uso"
	collDaily         = "uso_diario"
	collConfigs       = "configuracoes_llm"
	collModels        = "llm_modelos"
	collWidgetKeys    = "chaves_widget"
	collVisitors      = "visitantes"
	collAPIKeys       = "chaves_api"
	collAudit         = "auditoria"
	collKnowledge     = "conhecimento"
	collReplies       = "respostas_prontas"
	collRatings       = "avaliacoes"
	collIssuers       = "emissores"
	collLogins        = "provedores_login"
	collExports       = "exportacoes"
	collRequests      = "pedidos"
	collWhispers      = "sussurros"
	collAlerts        = "alertas"
	collBusy          = "movimento"
	collSchema        = "esquema"
)

// indexes of all collections; every engine puts distribuidor_id before the fields. What is unique here arbitrates between
// copies of a command. Lists are paged by id.
var indexes = []doc.Index{
	{Coll: collTenants, Fields: []string{"id"}},
	{Coll: collAddresses, Fields: []string{"id"}},
	{Coll: collUsers, Fields: []string{"id"}},
	{Coll: collConversations, Fields: []string{"id"}},
	{Coll: collInteractions, Fields: []string{"id"}},
	{Coll: collPlans, Fields: []string{"id"}},
	{Coll: collSubscriptions, Fields: []string{"id"}},
	{Coll: collUsage, Fields: []string{"id"}},
	{Coll: collDaily, Fields: []string{"id"}},
	{Coll: collConfigs, Fields: []string{"id"}},
	{Coll: collModels, Fields: []string{"id"}},
	{Coll: collWidgetKeys, Fields: []string{"id"}},
	{Coll: collVisitors, Fields: []string{"id"}},
	{Coll: collAPIKeys, Fields: []string{"id"}},
	{Coll: collAudit, Fields: []string{"id"}},
	{Coll: collKnowledge, Fields: []string{"id"}},
	{Coll: collReplies, Fields: []string{"id"}},
	{Coll: collRatings, Fields: []string{"id"}},
	{Coll: collIssuers, Fields: []string{"id"}},
	{Coll: collIssuers, Fields: []string{"emissor", "audiencia"}, Unique: true},
	{Coll: collLogins, Fields: []string{"id"}},
	{Coll: collExports, Fields: []string{"id"}},
	{Coll: collRequests, Fields: []string{"id"}},
	{Coll: collRequests, Fields: []string{"em"}},
	{Coll: collBusy, Fields: []string{"ate"}},
	{Coll: collUsers, Fields: []string{"email"}, Unique: true},
	{Coll: collUsers, Fields: []string{"externo"}, Unique: true, Where: "externo"},
	{Coll: collConversations, Fields: []string{"usuario_id", "atualizada_em"}},
	{Coll: collConversations, Fields: []string{"usuario_id", "cid"}, Unique: true, Where: "cid"},
	{Coll: collConversations, Fields: []string{"atualizada_em"}},
	{Coll: collConversations, Fields: []string{"fila.execucao_id"}, Where: "fila.execucao_id"},
	{Coll: collConversations, Fields: []string{"dono.tipo", "estado"}},
	{Coll: collAlerts, Fields: []string{"id"}},
	{Coll: collAlerts, Fields: []string{"estado", "proxima"}},
	{Coll: collWhispers, Fields: []string{"conversa_id", "id"}},
	{Coll: collWhispers, Fields: []string{"conversa_id", "autor", "cid"}, Unique: true, Where: "cid"},
	{Coll: collInteractions, Fields: []string{"conversa_id", "id"}},
	{Coll: collInteractions, Fields: []string{"conversa_id", "autor", "cid"}, Unique: true, Where: "cid"},
	{Coll: collInteractions, Fields: []string{"execucao.id"}, Where: "execucao.id"},
	{Coll: collInteractions, Fields: []string{"execucao.pendente"}, Where: "execucao.pendente"},
	{Coll: collPlans, Fields: []string{"padrao"}},
	{Coll: collSubscriptions, Fields: []string{"plano_id"}},
	{Coll: collUsage, Fields: []string{"abertas"}},
	{Coll: collDaily, Fields: []string{"dia"}},
	{Coll: collModels, Fields: []string{"chave"}, Unique: true},
	{Coll: collReplies, Fields: []string{"atalho"}, Unique: true},
	{Coll: collRatings, Fields: []string{"conversa_id"}},
	{Coll: collVisitors, Fields: []string{"chave_id", "identidade"}, Unique: true, Where: "identidade"},
}
