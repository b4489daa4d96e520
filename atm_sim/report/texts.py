"""Every word the report prints, in English and Japanese: headings, what happened, reasons, names of measures.

Files keep the short names (`no_funds`, `wait.p95`); a name without words here is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bank_host.iso8583.codes import REASON_BY_NAME, response_code
from bank_host.rules.compensation import Step, step_text
from bank_host.rules.compensation.words import RULES


class Text(NamedTuple):
    """The same words in both languages."""

    en: str
    ja: str


LABELS: Mapping[str, Text] = {
    "language": Text("Language", "言語"),
    "skip": Text("Skip to the results", "結果へ移動"),
    "report": Text("ATM test run report", "ATM試験実行レポート"),
    "all_met": Text("All expectations met", "すべて期待どおり"),
    "some_failed": Text("Not as expected", "期待と異なる結果あり"),
    "nothing_checked": Text("Nothing was checked", "検査項目なし"),
    "checks_passed": Text("checks passed", "件 合格"),
    "checks_failed": Text("checks failed", "件 不合格"),
    "day": Text("Day played", "対象日"),
    "seed": Text("Seed", "乱数シード"),
    "replications": Text("Replications", "反復回数"),
    "run_id": Text("Run", "実行ID"),
    "covers": Text("Covers requirements", "対象要件"),
    "per_run": Text("mean of {n} replications", "{n}回の平均"),
    "figures": Text("Key figures", "主要指標"),
    "checks": Text("Expectations and invariants", "期待結果と不変条件"),
    "failures": Text("What failed", "不合格の内容"),
    "all_checks": Text("All checks", "全検査項目"),
    "where": Text("Where", "場所"),
    "check": Text("Check", "検査項目"),
    "expected": Text("Expected", "期待"),
    "actual": Text("Actual", "実際"),
    "verdict": Text("Verdict", "判定"),
    "passed": Text("passed", "合格"),
    "failed": Text("failed", "不合格"),
    "kind_step": Text("Steps", "手順"),
    "kind_measure": Text("Measures", "指標"),
    "kind_invariant": Text("Invariants", "不変条件"),
    "kind_measurement": Text("Validity of the measurement", "計測の妥当性"),
    "met": Text("{met} of {all} met", "{all}件中{met}件 合格"),
    "step": Text("step", "手順"),
    "measure": Text("measure", "指標"),
    "invariant": Text("invariant", "不変条件"),
    "measurement": Text("measurement", "計測の妥当性"),
    "messages": Text("Messages of this request", "この取引の電文"),
    "replay": Text("Run this again", "再実行コマンド"),
    "declines": Text("Declines by reason", "理由別の取引拒否"),
    "reason": Text("Reason", "理由"),
    "code": Text("Code", "応答コード"),
    "number": Text("Number", "件数"),
    "no_declines": Text("Nothing was declined.", "取引拒否はありません。"),
    "waiting": Text("Waiting and service", "待ち時間と利用時間"),
    "wait": Text("Wait in the queue", "待ち時間"),
    "service_time": Text("Time at the machine", "ATM利用時間"),
    "customers": Text("Customers", "来客数"),
    "withdrawals": Text("Withdrawals", "出金"),
    "mean": Text("Mean", "平均"),
    "median": Text("Median", "中央値"),
    "p95": Text("95 % within", "95%がこの時間内"),
    "longest": Text("Longest", "最長"),
    "share_of_customers": Text("share of customers by time", "時間別の来客割合"),
    "nobody": Text("Nobody used a machine.", "ATMの利用はありません。"),
    "cash": Text("Cash in each ATM", "ATM別の現金残高"),
    "cash_note": Text(
        "Million yen in the cassettes over the day, first replication.",
        "1日のカセット内現金(百万円)、1回目の反復。",
    ),
    "cash_rest": Text(
        "The chart shows the {n} machines with the least cash; the table has all.",
        "グラフは残高の少ない{n}台、表は全台です。",
    ),
    "atm": Text("ATM", "ATM"),
    "start": Text("Start", "開始時"),
    "lowest": Text("Lowest", "最低"),
    "end": Text("End", "終了時"),
    "change": Text("Change", "増減"),
    "hours": Text("Customers and withdrawals per hour", "時間帯別の来客数と出金件数"),
    "hour": Text("Hour", "時"),
    "trouble": Text("Reversals, exceptions and fees", "取消・例外・手数料"),
    "reversals": Text("Reversals", "取消"),
    "no_reversals": Text("Nothing had to be reversed.", "取消はありません。"),
    "time": Text("Time", "時刻"),
    "card": Text("Card", "カード"),
    "amount": Text("Amount", "金額"),
    "settled": Text("Settled", "処理済み"),
    "open": Text("open", "未処理"),
    "yes": Text("yes", "済"),
    "exceptions": Text("Items for the bank's staff", "行員確認待ちの項目"),
    "no_exceptions": Text("Nothing was set aside for the staff.", "確認待ちの項目はありません。"),
    "fees": Text("Fees", "手数料"),
    "no_fees": Text("No fees were charged.", "手数料はありません。"),
    "kind": Text("Kind", "種別"),
    "total": Text("Total", "合計"),
    "people": Text("Each person's day", "利用者ごとの一日"),
    "people_note": Text(
        "First replication. Open a person to see each step; open a message to see its fields.",
        "1回目の反復。利用者を開くと各手順、電文を開くと各項目が表示されます。",
    ),
    "people_rest": Text("{n} more people are in the event files.", "ほか{n}人はイベントファイルにあります。"),
    "scenario": Text("What was run", "実行内容"),
    "scenario_text": Text("Scenario file, secrets masked", "シナリオファイル(秘密情報はマスク済み)"),
    "file": Text("File", "ファイル"),
    "fingerprint": Text("SHA-256", "SHA-256"),
    "versions": Text("Versions", "バージョン"),
    "cast": Text("Cast", "登場人物"),
    "places": Text("Places", "設置場所"),
    "name": Text("Name", "名前"),
    "alias": Text("Alias", "別名"),
    "bank": Text("Bank", "銀行"),
    "operator": Text("Operator", "運営会社"),
    "machines": Text("Machines", "台数"),
    "sources": Text("Sources", "出典"),
    "assumptions": Text("Assumptions", "仮定"),
    "policy": Text("Policy figures set by this scenario", "このシナリオ独自の設定値"),
    "value": Text("Value", "値"),
    "because": Text("Because", "理由"),
    "show_table": Text("Show the figures as a table", "数値を表で見る"),
    "footer": Text(
        "Rebuilt from the run folder alone. Card numbers, PINs and one-time passwords are never shown in full.",
        "実行フォルダーのみから作成。カード番号・暗証番号・ワンタイムパスワードは全桁表示されません。",
    ),
}

# What happened, for traces. {amount}, {atm}, {site}, {why}, {took} and {answer} are filled from the row.
KINDS: Mapping[str, Text] = {
    "arrived": Text("comes to {site}", "{site}に来店"),
    "started": Text("steps up to {atm}, waited {took}", "{atm}で利用開始(待ち時間 {took})"),
    "inserted": Text("puts the card in", "カードを挿入"),
    "pin_entered": Text("enters a PIN", "暗証番号を入力"),
    "cancelled": Text("cancels {why}", "取引を中止 {why}"),
    "answered": Text("the bank answers {answer}", "銀行の応答 {answer}"),
    "declined": Text("is declined {why}", "取引不可 {why}"),
    "no_service": Text("finds no service {why}", "取扱休止 {why}"),
    "dispensed": Text("{amount} comes to the shutter {why}", "{amount}を払出 {why}"),
    "retracted": Text("{amount} goes back into the machine {why}", "{amount}を機械に回収 {why}"),
    "completed": Text("the transaction is complete", "取引完了"),
    "card_returned": Text("takes the card", "カードを受け取り"),
    "retained": Text("the machine keeps the card {why}", "カードを機械に回収 {why}"),
    "reversal_queued": Text("a reversal begins {why}", "取消を開始 {why}"),
    "reversed": Text("the reversal is accepted", "取消が受理"),
    "suspect": Text("it stays open what was paid {why}", "払出状況は不明 {why}"),
    "out_of_cash": Text("the machine has run out of notes", "ATMの紙幣切れ"),
    "near_end": Text("notes of {amount} run low", "{amount}紙幣の残りわずか"),
    "left": Text("leaves after {took} at the machine", "退店(利用時間 {took})"),
    "act": Text(
        "{channel}: {service} {amount}: {outcome} {why}", "{channel}: {service} {amount}: {outcome} {why}"
    ),
    "shown": Text("reads: {outcome} {why}", "表示: {outcome} {why}"),
    "posted": Text("the bank posts {amount} {why}", "銀行が{amount}を記帳 {why}"),
    "fee": Text("fee {amount} {why}", "手数料{amount} {why}"),
    "notice": Text("receives a notice {why}", "通知を受信 {why}"),
    "exception": Text("an item for the bank's staff {why}", "行員確認待ちの項目 {why}"),
    "state": Text("{why} stands at {amount}", "{why}は{amount}"),
    "lost": Text("a message is lost on the line {why}", "電文が回線上で消失 {why}"),
    "timed_out": Text("the network waited in vain for an answer", "応答待ち時間切れ"),
    "late_answer": Text("an answer comes too late", "応答が遅延して到着"),
    "repeated": Text("an advice is sent again {why}", "通知を再送 {why}"),
    "power_lost": Text("the machine loses power", "ATMの電源断"),
    "power_restored": Text("the machine has power again", "ATMの電源復旧"),
}

REASONS: Mapping[str, Text] = {
    "account_unknown": Text("no such account", "該当口座なし"),
    "bad_email": Text("no e-mail address", "メールアドレス誤り"),
    "bad_login_id": Text("login ID not possible", "ログインIDが使用不可"),
    "bad_reason": Text("no such reason", "事由の誤り"),
    "bad_step": Text("not in the steps of this limit", "設定単位外の金額"),
    "date_out_of_range": Text("date not possible", "指定できない日付"),
    "executed": Text("executed", "実行済み"),
    "failed": Text("failed", "不成立"),
    "guessable_pin": Text("guessable PIN, with a warning", "推測されやすい暗証番号(注意喚起)"),
    "id_card_locked": Text("ID card locked", "IDカードのロック中"),
    "login_failed": Text("not let in", "ログイン不可"),
    "no_card": Text("no card", "カードなし"),
    "no_id_card": Text("no ID card", "IDカードなし"),
    "no_pending_transfer": Text("no transfer waits for a code", "確認待ちの振込なし"),
    "no_token": Text("no token that counts", "有効なトークンなし"),
    "not_above_standing": Text("not above the limit of every day", "通常の限度額以下"),
    "not_expired": Text("token still valid", "トークンの有効期限内"),
    "not_from_pc": Text("not by PC", "パソコンでは不可"),
    "not_locked": Text("not locked", "ロックなし"),
    "nothing_changed": Text("nothing changed", "変更なし"),
    "nothing_ordered": Text("nothing was ordered", "申し込みなし"),
    "nothing_to_cancel": Text("nothing to cancel", "取消対象なし"),
    "otp_format": Text("not six digits", "6桁の数字以外"),
    "out_of_range": Text("outside what can be set", "設定範囲外"),
    "paper_only": Text("by paper only", "書面のみ"),
    "payee_unknown": Text("no such payee", "振込先口座なし"),
    "pin_required": Text("PIN missing", "暗証番号が必要"),
    "reserved": Text("reserved", "予約済み"),
    "token_locked": Text("token locked", "トークンのロック中"),
    "too_many_tokens": Text("no more tokens", "トークンの上限"),
    "transfer_limit_exceeded": Text("over the daily transfer limit", "振込限度額超過"),
    "transfer_locked": Text("transfers locked", "振込ロック中"),
    "unknown_token": Text("no such token", "該当トークンなし"),
    "wrong_channel": Text("not by this channel", "取扱不可の経路"),
    "transfer": Text("transfer", "振込"),
    "received": Text("transfer from another bank", "他行からの入金"),
    "token_fee": Text("token fee", "トークン発行手数料"),
    "opening": Text("opening balance", "当初残高"),
    "transfer_limit": Text("transfer limit", "振込限度額"),
    "email_changed": Text("e-mail address changed", "メールアドレス変更のお知らせ"),
    "id_card_unlocked": Text("ID card unlocked", "IDカードロック解除"),
    "incoming_transfer": Text("incoming transfer", "振込入金のお知らせ"),
    "otp_unlocked": Text("one-time password unlocked", "ワンタイムパスワードのロック解除"),
    "password_lapsed": Text("password lapsed", "パスワード失効のお知らせ"),
    "token_registered": Text("token registered", "トークン登録のお知らせ"),
    "token_unlocked": Text("token unlocked", "トークンロック解除"),
    "transfer_failed": Text("transfer not carried out", "振込不成立のお知らせ"),
    "transfer_limit_raised": Text("transfer limit raised", "振込限度額引き上げのお知らせ"),
    "account_closed": Text("account closed", "口座解約済み"),
    "amount_step": Text("the machine does not pay this amount", "取扱単位外の金額"),
    "bad_amount": Text("amount not possible", "金額誤り"),
    "bad_currency": Text("not in yen", "円以外の通貨"),
    "bad_format": Text("message format error", "電文形式誤り"),
    "bad_new_pin": Text("new PIN not possible", "新しい暗証番号が使用不可"),
    "card_expired": Text("card expired", "カード有効期限切れ"),
    "card_locked": Text("card locked by its holder", "ご本人によるカードロック中"),
    "card_not_genuine": Text("card not genuine", "偽造カードの疑い"),
    "card_unknown": Text("no such card", "該当カードなし"),
    "cash_not_taken": Text("notes not taken", "現金の取り忘れ"),
    "card_not_taken": Text("card not taken", "カードの取り忘れ"),
    "closed": Text("outside opening hours", "営業時間外"),
    "hot_card": Text("reported lost or stolen", "紛失・盗難届あり"),
    "identity_reused": Text("message identity used twice", "取引番号の重複"),
    "idle": Text("waited too long", "操作時間切れ"),
    "jam": Text("dispenser jam", "紙幣詰まり"),
    "limit_exceeded": Text("over the daily limit", "1日の限度額超過"),
    "limit_zero": Text("limit set to zero", "限度額ゼロ設定"),
    "malfunction": Text("system malfunction", "システム障害"),
    "no_cash": Text("not enough notes in the machine", "ATMの紙幣不足"),
    "no_funds": Text("not enough money in the account", "残高不足"),
    "no_notes": Text("no notes put in", "紙幣の投入なし"),
    "no_route": Text("no route to the bank", "銀行への経路なし"),
    "not_offered": Text("service not offered here", "この端末では取扱不可"),
    "notes_not_accepted": Text("notes not accepted", "受付不可の紙幣"),
    "otp_locked": Text("one-time password locked", "ワンタイムパスワードのロック中"),
    "otp_required": Text("one-time password missing", "ワンタイムパスワードが必要"),
    "otp_used": Text("one-time password used before", "使用済みワンタイムパスワード"),
    "otp_wrong": Text("one-time password wrong", "ワンタイムパスワード誤り"),
    "over_ceiling": Text("over the machine's limit", "ATMの取引上限超過"),
    "partial": Text("only a part came out", "一部のみ払出"),
    "pin_blocked": Text("PIN tries used up", "暗証番号の入力回数超過"),
    "pin_wrong": Text("wrong PIN", "暗証番号相違"),
    "power_loss": Text("power loss", "電源断"),
    "reversed_first": Text("reversed before it arrived", "取消済みの取引"),
    "timed_out": Text("the bank did not answer in time", "銀行の応答時間切れ"),
    "too_many_notes": Text("too many notes", "投入枚数超過"),
    "unreachable": Text("bank out of reach", "銀行に接続不可"),
    "withdrawal": Text("withdrawal", "出金"),
    "deposit": Text("deposit", "入金"),
    "purchase": Text("purchase", "デビット決済"),
    "completion": Text("completion", "取引完了"),
    "reversal": Text("reversal", "取消"),
    "balance": Text("balance", "残高"),
    "limit": Text("limit", "限度額"),
    "room": Text("room left today", "本日の残り枠"),
    "atm_withdrawal": Text("ATM withdrawal", "ATM出金のお知らせ"),
    "atm_withdrawal_refused": Text("ATM withdrawal refused", "ATM出金不可のお知らせ"),
    "card_unlocked": Text("card unlocked", "カードロック解除"),
    "limit_raised": Text("limit raised", "限度額引き上げ"),
}

NAMES: Mapping[str, Text] = {
    "transfer_limit": Text("transfer limit", "振込限度額"),
    "previous_login": Text("previous login", "前回のログイン"),
    "failed_logins": Text("failed logins since then", "その後のログイン失敗"),
    "statement": Text("statement", "取引明細"),
    "active": Text("active safeguard", "有効な安全対策"),
    "inactive": Text("safeguard not active", "無効な安全対策"),
    "decision": Text("decision on the claim", "補償の判断"),
    "paid": Text("compensation", "補償額"),
    "share": Text("share", "補償割合"),
    "payer": Text("who pays", "負担者"),
    "rule": Text("rule", "適用規定"),
    "trail": Text("check", "判断の過程"),
    "contact": Text("office", "窓口"),
    "role": Text("what the office is", "窓口の位置付け"),
    "telephone": Text("telephone", "電話番号"),
    "transfer": Text("transfer", "振込"),
    "host": Text("the bank", "銀行"),
    "letter": Text("to the bank", "銀行への申し出"),
    "login": Text("login", "ログイン"),
    "set_login_id": Text("set login ID", "ログインID設定"),
    "set_transfer_limit": Text("set transfer limit", "振込限度額設定"),
    "enter_transfer": Text("enter a transfer", "振込の入力"),
    "confirm_transfer": Text("press [Transfer]", "[振込]を押す"),
    "correct_transfer": Text("press [Correct]", "[訂正]を押す"),
    "cancel_transfer": Text("press [Cancel]", "[キャンセル]を押す"),
    "receive_transfer": Text("incoming transfer", "振込入金"),
    "change_customer_data": Text("change of customer data", "お客さま情報の変更"),
    "change_pin_online": Text("PIN change", "暗証番号変更"),
    "lock_token": Text("lock token", "トークンロック"),
    "unlock_token": Text("unlock token", "トークンロック解除"),
    "resync_token": Text("set the token right", "トークンの時刻合わせ"),
    "order_token": Text("order a token", "トークン申込"),
    "issue_token": Text("send a token", "トークン発送"),
    "register_token": Text("register a token", "トークン登録"),
    "exchange_token": Text("exchange a token", "トークン交換"),
    "lock_id_card": Text("lock ID card", "IDカードロック"),
    "release_id_card": Text("release ID card", "IDカードロック解除"),
    "release_otp": Text("release one-time password", "ワンタイムパスワードのロック解除"),
    "reissue_password": Text("new password", "パスワード再発行"),
    "change_authenticator": Text("change of authenticator", "認証方法の変更"),
    "outcome": Text("outcome", "結果"),
    "code": Text("response code", "応答コード"),
    "reason": Text("reason", "理由"),
    "dispensed": Text("cash paid out", "払出額"),
    "balance": Text("balance", "残高"),
    "fee": Text("fee", "手数料"),
    "notice": Text("notice", "通知"),
    "card": Text("card", "カード"),
    "limit": Text("limit", "限度額"),
    "room": Text("room left", "残り枠"),
    "reversed": Text("reversed", "取消額"),
    "messages": Text("messages", "電文"),
    "customers": Text("customers", "来客数"),
    "approval_rate": Text("approval rate", "承認率"),
    "withdrawals": Text("withdrawals", "出金件数"),
    "deposits": Text("deposits", "入金件数"),
    "declines": Text("declines", "取引拒否件数"),
    "deposited": Text("cash paid in", "入金額"),
    "wait.mean": Text("mean wait", "平均待ち時間"),
    "wait.max": Text("longest wait", "最長待ち時間"),
    "wait.p50": Text("median wait", "待ち時間の中央値"),
    "wait.p95": Text("wait, 95th percentile", "待ち時間の95パーセンタイル"),
    "wait.share": Text("share who waited", "待ち発生率"),
    "service.mean": Text("mean time at the machine", "平均利用時間"),
    "utilisation": Text("utilisation", "稼働率"),
    "reversals": Text("reversals", "取消件数"),
    "reversals.unresolved": Text("unresolved reversals", "未処理の取消"),
    "cash_outs": Text("cash-outs", "紙幣切れ回数"),
    "retained_cards": Text("cards kept", "回収カード枚数"),
    "cards_used": Text("cards used", "利用カード枚数"),
    "machines_used": Text("machines used", "利用台数"),
    "fees": Text("fees", "手数料"),
    "exceptions": Text("items for staff", "行員確認待ち"),
    "approved": Text("approved", "承認"),
    "declined": Text("declined", "拒否"),
    "done": Text("done", "完了"),
    "refused": Text("refused", "受付不可"),
    "failed": Text("failed", "失敗"),
    "no_service": Text("no service", "取扱休止"),
    "left": Text("left", "退店"),
    "pc": Text("PC", "パソコン"),
    "smartphone": Text("smartphone", "スマートフォン"),
    "mobile": Text("mobile phone", "携帯電話"),
    "operator": Text("bank staff", "銀行員"),
    "withdraw": Text("withdrawal", "出金"),
    "deposit": Text("deposit", "入金"),
    "change_pin": Text("PIN change", "暗証番号変更"),
    "purchase": Text("purchase", "デビット決済"),
    "set_limit": Text("set limit", "限度額設定"),
    "raise_limit": Text("raise limit for a day", "限度額の一日引き上げ"),
    "cancel_raise": Text("cancel a raise", "引き上げの取消"),
    "lock_card": Text("lock card", "カードロック"),
    "unlock_card": Text("unlock card", "カードロック解除"),
    "report_card": Text("report card", "紛失・盗難届"),
    "release_pin": Text("release PIN", "暗証番号ロック解除"),
    "close_account": Text("close account", "口座解約"),
    "individual": Text("individual", "個人"),
    "sole_proprietor": Text("sole proprietor", "個人事業主"),
    "corporate": Text("corporate", "法人"),
}


def same(text: str) -> Text:
    """Words that need no translation: names, numbers, codes."""
    return Text(text, text)


def label(key: str, **values: object) -> Text:
    found = LABELS[key]
    return Text(found.en.format(**values), found.ja.format(**values)) if values else found


def reason_text(reason: str) -> Text:
    """A reason in words: of the bank, the terminal, the network, or of an advice (DE60)."""
    if (found := _trail_text(reason)) is not None:
        return found
    reason = reason.lower()
    if reason in REASONS:
        return REASONS[reason]
    if row := REASON_BY_NAME.get(reason):
        return Text(row.name_en, row.name_ja)
    if reason.startswith("code_"):
        return code_text(reason.removeprefix("code_"))
    return same(reason.replace("_", " "))


def _trail_text(reason: str) -> Text | None:
    """One check of a claim's trail, recorded as `act_5 police_report no nothing`."""
    words = reason.split(" ")
    if len(words) != 4 or words[0] not in RULES:
        return None
    rule, fact, found, effect = words
    step = Step(rule, fact, found == "yes", "" if effect == "on" else effect)
    return Text(step_text(step, "en"), step_text(step, "ja"))


def code_text(code: str) -> Text:
    """A response code (DE39) with its words."""
    row = response_code(code)
    return Text(f"{code} {row.name_en}", f"{code} {row.name_ja}")


def name_text(name: str) -> Text:
    """The name of a check, a measure or an outcome in words; `wait.p95 at north` keeps its filters."""
    head, space, filters = name.partition(" ")
    found = NAMES.get(head, same(head))
    return Text(f"{found.en}{space}{filters}", f"{found.ja}{space}{filters}")
