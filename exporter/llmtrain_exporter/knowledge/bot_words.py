"""What chat bots say to a card, and what to do about that; of `relay --test` the rest, too."""

from __future__ import annotations

from llmtrain_exporter.knowledge.text import Text

# What became of a sample.
ACCEPTED = Text("{bot}: accepted", "{bot}：已接受")
NOT_ACCEPTED = Text("{bot}: not accepted: {hint} ({reason})", "{bot}：未接受：{hint}（{reason}）")
NO_CHARTS = Text("Cards have no charts without matplotlib: {how}", "没有 matplotlib，卡片不带图：{how}")
NO_BOT = Text(
    "No bot is configured, so this card went nowhere. See relay --help.",
    "没有配置机器人，这张卡片没有发往任何地方。见 relay --help。",
)

# Why a bot takes no card, whichever chat it is of.
RATE = Text("it gets more messages than it may", "消息数超过了它的上限")
BUSY = Text("its server has trouble", "对方服务器出错")
UNREADABLE = Text(
    "its answer is none of this chat's: is a proxy in between?", "收到的应答不是该聊天工具的：中间有代理吗？"
)
KEYWORD = Text(
    "it wants a keyword in each message: give one of those that the bot's page lists as keyword in its "
    "settings, and every card holds it; or switch the bot to a signature",
    "它要求每条消息都含关键词：把机器人页面列出的关键词之一填入其设置的 keyword，每张卡片便都会带上；"
    "或把机器人改为签名校验",
)
STRANGE = Text("it answers {answer}", "它的应答是 {answer}")
CARD = Text("it cannot read the card", "它无法解析卡片")
CARD_BECAUSE = Text("it cannot read the card: {answer}", "它无法解析卡片：{answer}")
TOO_LONG = Text("it says that the card is too long", "它称卡片过长")
SIGNATURE = Text(
    "it says that the signature is wrong: check the secret and this machine's clock",
    "它称签名不对：请检查 secret 和本机时钟",
)
# Why the relay sends none.
EARLY = Text("it may be over or part of another card in a moment", "它可能马上结束，或并入另一张卡片")
PAST = Text("it says that something is over which has begun later", "它称已结束的事在那之后又开始了")
UNDER_WAY = Text("a card of the same group is being sent", "同组的另一张卡片正在发送")
LIMIT = Text("it may be sent {rate} at most", "它的发送上限为{rate}")
RATE_OF = Text("{count} in {seconds} s", "每 {seconds} 秒 {count} 条")
AND = Text(" and ", "且")
INTERNAL = Text("the relay could not make the card; its log says why", "relay 无法生成卡片，原因见其日志")
ENDING = Text("the relay ends", "relay 正在退出")

# Why none answers.
UNREACHABLE = Text("it cannot be reached", "连接不上")
UNANSWERED = {
    "timeout": Text("it did not answer in time", "没有及时应答"),
    "tls": Text("its certificate cannot be verified; is a proxy in between?", "证书无法验证；中间有代理吗？"),
    "proxy": Text("the proxy of this machine cannot be reached", "连接不上本机的代理"),
    "redirect": Text(
        "its address leads elsewhere, and secrets are not sent there: check the bot's url",
        "它的地址会跳转到别处，密钥不会发往那里：请检查机器人的 url",
    ),
}

# Why those of one chat do not.
NO_BOT_OF_URL = Text(
    "it says that the address is no bot's: check the bot's url", "它称该地址不是机器人：请检查机器人的 url"
)
MACHINE_NOT_LISTED = Text(
    "it does not take messages from this machine: check the bot's list of addresses",
    "它不接收本机的消息：请检查机器人的 IP 白名单",
)
NO_BOT_OF_TOKEN = Text(
    "it says that the address is no bot's: check the access_token in the bot's url",
    "它称该地址不是机器人：请检查机器人 url 里的 access_token",
)
UNWELCOME = Text("it does not like a link or a word in the card", "它不接受卡片里的某个链接或词语")
SECURITY = Text(
    "it says that its security settings are not met: check the secret and this machine's clock",
    "它称未满足安全设置：请检查 secret 和本机时钟",
)
SWITCHED_OFF = Text(
    "it says that the bot is switched off: switch it on in its group", "它称机器人已停用：请在群里启用"
)
MACHINE_REFUSED = Text(
    "it takes no messages from this machine: check the bot's list of addresses",
    "它不接收来自本机的消息：请检查机器人的 IP 地址段",
)
NO_BOT_OF_KEY = Text(
    "it says that the address is no bot's: check the key in the bot's url",
    "它称该地址不是机器人：请检查机器人 url 里的 key",
)
NO_WEBHOOK = Text(
    "it says that there is no such webhook: check the bot's url", "它称没有这个 webhook：请检查机器人的 url"
)
NO_WEBHOOK_OF_APP = Text(
    "it says that the address is no webhook of an app: check the bot's url",
    "它称该地址不是应用的 webhook：请检查机器人的 url",
)
TOKEN = Text(
    "it says that there is no bot of this token: check the token",
    "它称该 token 没有对应的机器人，请检查",
)
NOT_IN_CHAT = Text(
    "it may not write to that chat: add the bot to it, with the right to post",
    "它无权在该聊天中发言：请把机器人加进去，并授予发消息的权限",
)
NO_CHAT = Text(
    "it finds no such chat: check chat_id, and add the bot to that chat",
    "它找不到该聊天：请检查 chat_id，并把机器人加进去",
)
NO_TOPIC = Text(
    "the topic is not there or closed: check message_thread_id (General has none)",
    "话题不存在或已关闭：请检查 message_thread_id（General 没有）",
)
TOO_LARGE = Text("it says that the message is too large", "它称消息过大")
NOT_THE_API = Text(
    "its server answers {answer}, and not as the Bot API: check api_url",
    "其服务器应答 {answer}，不像 Bot API：请检查 api_url",
)
MOVED = Text(
    "the group has become a supergroup: set chat_id to {moved}", "群已升级为超级群：请把 chat_id 改为 {moved}"
)
