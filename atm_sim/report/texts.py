"""Every word the report prints, in English and Japanese: headings, what happened, reasons, names of measures.

Files keep the short names (`no_funds`, `wait.p95`); a name without words here is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from atm_sim.report.names import NAMES, REASONS, Text
from bank_host.iso8583.codes import REASON_BY_NAME, response_code
from bank_host.rules.compensation import Step, step_text
from bank_host.rules.compensation.words import RULES

LABELS: Mapping[str, Text] = {
    "cash_report": Text("Cash plan", "現金計画"),
    "cash_machines": Text("Machines", "台数"),
    "cash_weeks": Text("Weeks", "週数"),
    "cash_policy": Text("policy", "補充方針"),
    "cash_trade_off": Text("The trade-off", "トレードオフ"),
    "cash_trade_off_about": Text(
        "A point is a policy, its whiskers are 95 % intervals. All policies met the same customers and failures.",
        "点は一つの補充方針、ひげは95％信頼区間。どの方針も同じ顧客と同じ障害のもとで比較した。",
    ),
    "cash_held_chart": Text(
        "Cash in a machine, by visits to it in a week", "1台の現金残高（縦軸）と週あたりの補充回数（横軸）"
    ),
    "cash_lost_chart": Text(
        "Withdrawals lost for want of notes, by cash in a machine",
        "紙幣切れで失われた出金の割合（縦軸）と1台の現金残高（横軸）",
    ),
    "cash_intervals": Text(
        "Means over the replications, with half of the 95 % interval.", "反復の平均と95％信頼区間の半幅。"
    ),
    "cash_mean_cash_jpy": Text("cash in a machine, ¥M", "1台の現金（百万円）"),
    "cash_refill_cycle_days": Text("days a cycle", "補充間隔（日）"),
    "cash_visits_week": Text("visits a week", "週あたり補充回数"),
    "cash_near_end_alarms_week": Text("near-end alarms a week", "週あたりニアエンド警報"),
    "cash_cash_out_share": Text("days with a cash-out, %", "紙幣切れの日（％）"),
    "cash_lost_withdrawals_share": Text("withdrawals lost, %", "失われた出金（％）"),
    "cash_availability": Text("availability, %", "稼働率（％）"),
    "cash_cost_machine_day_jpy": Text("¥ a machine and day", "1台1日の費用（円）"),
    "cash_costs": Text("Costs, with what they rest on", "費用の前提と根拠"),
    "cash_cost_idle_rate_year": Text("idle cash, a year", "遊休現金の年利"),
    "cash_cost_visit": Text("a visit of guards, ¥", "警備員の訪問1回（円）"),
    "cash_cost_tour": Text("a tour of guards, ¥", "警備巡回1便（円）"),
    "cash_cost_note_moved": Text("a note moved, ¥", "紙幣1枚の取扱（円）"),
    "cash_cost_lost_withdrawal": Text("a withdrawal lost, ¥", "失われた出金1件（円）"),
    "cash_cost_staff_call": Text("a call for staff, ¥", "係員の出動1回（円）"),
    "study_report": Text("Study report", "スタディ・レポート"),
    "study_scenario": Text("Scenario", "シナリオ"),
    "study_replications": Text("Replications", "反復回数"),
    "study_arms": Text("Variants", "案の数"),
    "study_numbers": Text("Random numbers", "乱数"),
    "study_common": Text("common to all variants", "全案共通"),
    "study_independent": Text("independent", "独立"),
    "study_differences": Text("What the variants change", "案ごとの差"),
    "study_differences_about": Text(
        "Each variant less the one named below, replication by replication; bars are 95 % intervals (Student's t). A "
        "bar that does not touch the line at 0 is a clear difference.",
        "同じ反復どうしで、各案から下記の案を引いた差。棒は95％信頼区間（スチューデントのt）。0の線に触れない棒は明らかな差を示す。",
    ),
    "study_against": Text("compared with", "比較の基準"),
    "study_intervals": Text("Every measure of every variant", "案ごとの測定値"),
    "study_intervals_about": Text(
        "Means over the replications with their 95 % intervals.", "反復の平均と95％信頼区間。"
    ),
    "study_sweep": Text("Sweep over", "値を変えたときの推移："),
    "study_sweep_about": Text(
        "The mean as a line, the 95 % interval as a band.", "線は平均、帯は95％信頼区間。"
    ),
    "study_variant": Text("variant", "案"),
    "study_measure": Text("measure", "測定項目"),
    "study_mean": Text("mean", "平均"),
    "study_interval": Text("95 % interval", "95％信頼区間"),
    "study_verdict": Text("difference", "差の判定"),
    "study_lower": Text("clearly lower", "明らかに小さい"),
    "study_higher": Text("clearly higher", "明らかに大きい"),
    "study_same": Text("exactly the same", "まったく同じ"),
    "study_unclear": Text("no clear difference", "明らかな差なし"),
    "study_map": Text("Japan by prefecture", "都道府県別"),
    "study_map_about": Text(
        "First replication of the scenario as it stands; one tile a prefecture, the darker the higher.",
        "現状のシナリオの1回目の反復。1枚が1都道府県で、濃いほど値が大きい。",
    ),
    "study_map_customers": Text("Customers served", "利用者数"),
    "study_map_wait": Text("Mean wait", "平均待ち時間"),
    "study_replay": Text("The day again", "一日の再生"),
    "study_replay_about": Text(
        "First replication of the scenario as it stands, from its event records. A dot is a site, the larger the more "
        "machines.",
        "現状のシナリオの1回目の反復を、イベント記録から再生。点は設置場所、大きいほど台数が多い。",
    ),
    "study_play": Text("Play", "再生"),
    "study_pause": Text("Pause", "一時停止"),
    "study_time": Text("Time of day", "時刻"),
    "study_show_queue": Text("people waiting", "待ち人数"),
    "study_show_stock": Text("cash left", "現金残高"),
    "study_waiting_now": Text("waiting now", "現在の待ち人数"),
    "study_low_now": Text("sites below a quarter of their cash", "現金が4分の1未満の設置場所"),
    "study_nobody": Text("nobody", "0人"),
    "study_full": Text("full", "満杯"),
    "study_empty": Text("empty", "空"),
    "study_or_more": Text("or more", "人以上"),
    "study_left_out": Text("sites with fewer customers are left out", "か所（利用者が少ない設置場所）は省略"),
    "study_no_place": Text(
        "The sites have no coordinates, so they stand in the order of their names.",
        "設置場所に座標がないため、名前順に並べている。",
    ),
    "study_no_script": Text(
        "The replay needs JavaScript; everything else on this page does not.",
        "再生にはJavaScriptが必要。このページの他の部分には不要。",
    ),
    "study_values": Text("Files", "ファイル"),
    "study_assumptions": Text("Assumptions and sources", "前提と出典"),
    "study_study_file": Text("Study file", "スタディ・ファイル"),
    "study_scenario_file": Text("Scenario file", "シナリオ・ファイル"),
    "study_checked_on": Text(
        "Judged on the far end of the 95 % interval.", "95％信頼区間の遠い側の端で判定。"
    ),
    "load_report": Text("Load test report", "負荷試験レポート"),
    "load_target": Text("Target", "対象ホスト"),
    "load_model": Text("Model", "負荷モデル"),
    "load_open": Text("open (planned moments)", "オープン型（計画時刻どおり）"),
    "load_started": Text("Started", "開始"),
    "load_profile": Text("Profile", "プロファイル"),
    "load_ends": Text("Connections that ended", "切れた接続"),
    "load_closed": Text("closed (users wait for answers)", "クローズ型（応答を待つ利用者）"),
    "load_fleet": Text("ATMs over connections", "ATM台数 / 接続数"),
    "load_invalid": Text("The measurement is invalid", "計測は無効"),
    "load_sent_of_planned": Text("Sent of planned", "送信 / 計画"),
    "load_throughput": Text("Answers a second", "毎秒応答数"),
    "load_p50": Text("Latency p50", "応答時間 p50"),
    "load_p99": Text("Latency p99", "応答時間 p99"),
    "load_max": Text("Longest latency", "最長応答時間"),
    "load_approval_rate": Text("Approval rate", "承認率"),
    "load_lag_p99": Text("Send lag p99", "送信遅れ p99"),
    "load_latency": Text("Latency from the intended moment", "応答時間（計画時刻から）"),
    "load_over_time": Text("Latency over time", "応答時間の推移"),
    "load_curve": Text("Percentile curve", "パーセンタイル曲線"),
    "load_rates": Text("Throughput planned and done", "計画と実績のスループット"),
    "load_planned": Text("planned", "計画"),
    "load_sent": Text("sent", "送信"),
    "load_answered": Text("answered", "応答"),
    "load_all": Text("all", "全体"),
    "load_lag": Text("send lag of the generator", "発生器の送信遅れ"),
    "load_no_answer": Text("no answer", "応答なし"),
    "load_counts": Text("Counters", "件数"),
    "load_declines": Text("Declines by reason", "拒否理由別"),
    "load_unmatched": Text("Answers without a request", "対応する要求のない応答"),
    "load_settlement": Text("Settlement with the host's journal", "ホスト元帳との照合"),
    "load_compared": Text("compared", "照合件数"),
    "load_completed": Text("completed", "完了"),
    "load_reversed": Text("reversed", "取消"),
    "load_differences": Text("unexplained differences", "説明のつかない差異"),
    "load_second": Text("second", "秒"),
    "load_seconds": Text("Second by second", "秒ごとの値"),
    "load_name_planned": Text("planned", "計画"),
    "load_name_sent": Text("sent", "送信"),
    "load_name_dropped": Text("dropped: never sent", "未送信（破棄）"),
    "load_name_no_card": Text("of these for want of a free card", "うち空きカードなし"),
    "load_name_answered": Text("answered", "応答あり"),
    "load_name_not_answered": Text("not answered", "応答なし"),
    "load_name_late": Text("late answers", "遅延応答"),
    "load_name_unmatched": Text("unmatched answers", "不一致応答"),
    "load_name_duplicate": Text("duplicate answers", "重複応答"),
    "load_name_unsolicited": Text("unsolicited requests", "要求外の電文"),
    "load_name_mac_failures": Text("MAC wrong or missing", "MAC不正・欠落"),
    "load_name_reversals": Text("reversals", "取消電文"),
    "load_name_repeats": Text("repeats", "再送"),
    "load_name_unresolved": Text("unresolved", "未解決"),
    "language": Text("Language", "言語"),
    "skip": Text("Skip to the results", "結果へ移動"),
    "report": Text("ATM test run report", "ATM試験実行レポート"),
    "all_met": Text("All expectations met", "すべて期待どおり"),
    "some_failed": Text("Not as expected", "期待と異なる結果あり"),
    "nothing_checked": Text("Nothing was checked", "検査項目なし"),
    "checks_counted": Text("Checks:", "検査:"),
    "checks_passed": Text("passed", "件 合格"),
    "checks_failed": Text("failed", "件 不合格"),
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
    "kind_reconciliation": Text("Three-way reconciliation", "三者照合"),
    "kind_rest": Text("Coming to rest", "終了時の残存"),
    "kind_measurement": Text("Validity of the measurement", "計測の妥当性"),
    "met": Text("{met} of {all} met", "{all}件中{met}件 合格"),
    "step": Text("step", "手順"),
    "measure": Text("measure", "指標"),
    "invariant": Text("invariant", "不変条件"),
    "reconciliation": Text("reconciliation", "照合"),
    "rest": Text("coming to rest", "収束"),
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
    "fleet_hours": Text("Customers planned and visits served per hour", "時間帯別の予定来客数と利用件数"),
    "fleet_planned": Text("Customers planned", "予定来客数"),
    "fleet_served": Text("Visits served", "利用件数"),
    "fleet_operators": Text("By operator", "運営会社別"),
    "fleet_operator": Text("Operator", "運営会社"),
    "fleet_machines": Text("Machines", "台数"),
    "fleet_visits": Text("Visits", "利用"),
    "fleet_dispensed": Text("Paid out", "出金額"),
    "fleet_deposits": Text("Deposits", "入金"),
    "fleet_declined": Text("Declined", "拒否"),
    "fleet_lost": Text("Lost", "取りこぼし"),
    "fleet_no_cash": Text("Without cash", "現金不足"),
    "fleet_mean_wait": Text("Mean wait", "平均待ち"),
    "fleet_use": Text("In use", "稼働率"),
    "fleet_waits": Text("Waits", "待ち時間"),
    "fleet_waited": Text(
        "{share} % of the visits waited at all; the chart shows these.",
        "待った利用は{share}%、グラフはその内訳です。",
    ),
    "fleet_away": Text("Who was not served where they came", "来店先で利用できなかった人"),
    "fleet_diverted": Text("went to a neighbour", "近隣へ移動"),
    "fleet_postponed": Text("came back later", "後で再来店"),
    "fleet_nobody_away": Text("Everybody was served where they came.", "全員が来店先で利用しました。"),
    "fleet_files": Text("Hashes of the event files", "イベントファイルのハッシュ値"),
    "fleet_files_note": Text(
        "SHA-256 by replication; the same on any number of workers.",
        "反復ごとのSHA-256。並列数によらず同一です。",
    ),
    "trouble": Text("Reversals, exceptions and fees", "取消・例外・手数料"),
    "reversals": Text("Reversals", "取消"),
    "no_reversals": Text("Nothing had to be reversed.", "取消はありません。"),
    "time": Text("Time", "時刻"),
    "card": Text("Card", "カード"),
    "amount": Text("Amount", "金額"),
    "settled": Text("Settled", "処理済み"),
    "open": Text("open", "未処理"),
    "yes": Text("yes", "済"),
    "stand_in": Text("Approved in the bank's place (stand-in)", "代行承認"),
    "stand_in_risk": Text(
        "What the bank would not have paid, as it found it when it booked: {over_limit} over limits, "
        "{over_balance} over balances. The oldest lists that something was approved by were {age} old. "
        "Not told to the bank yet: {open}.",
        "記帳時点で銀行の基準を超えていた金額: 限度額超過 {over_limit}、残高超過 {over_balance}。"
        "承認に使われた最も古いリストは{age}経過。銀行への未通知: {open}件。",
    ),
    "list_age": Text("Age of the lists", "リストの経過時間"),
    "told": Text("Told to the bank", "銀行への通知"),
    "differences": Text("ATM journal, network log and bank journal", "ATM・中継・銀行の三者照合"),
    "differences_note": Text(
        "Requests about which the three do not say the same. Yen: cash paid out, negative = a deposit kept.",
        "三者の記録が一致しない取引。金額は払出額(負の値は受け入れた入金)。",
    ),
    "request": Text("Request", "取引"),
    "says_atm": Text("ATM journal", "ATMジャーナル"),
    "says_network": Text("network log", "中継ログ"),
    "says_bank": Text("bank journal", "銀行の仕訳"),
    "explained_by": Text("explained by", "差異の理由"),
    "difference_suspect": Text("waits for a count of the ATM's cash", "ATM現金の精査待ち"),
    "difference_in_session": Text("the ATM is still at it", "ATMで取引中"),
    "difference_advice_waiting": Text("an advice waits in a queue", "通知の送信待ち"),
    "difference_stand_in_waiting": Text("the bank is still to be told of a stand-in", "代行承認の通知待ち"),
    "difference_manual": Text("an advice on a person's desk", "通知の手作業待ち"),
    "difference_exception": Text("an item for the bank's staff", "行員確認待ちの項目"),
    "difference_stand_in": Text("approved in the bank's place", "代行承認"),
    "difference_late_answer": Text("approved, not heard in time, reversed", "応答遅延のため取消済み"),
    "difference_duplicate": Text("reached the bank twice, booked once", "重複受信、計上は一度"),
    "difference_staged": Text("a tester's message", "試験者が送信した電文"),
    "difference_unexplained": Text("unexplained", "原因不明"),
    "atm_paid": Text("paid", "払出"),
    "atm_kept": Text("kept", "受入"),
    "atm_nothing": Text("nothing", "現金移動なし"),
    "atm_unknown": Text("not known", "不明"),
    "atm_busy": Text("not finished", "取引中"),
    "atm_absent": Text("not in the journal", "記録なし"),
    "bank_open": Text("open", "未完了"),
    "bank_completed": Text("completed", "完了"),
    "bank_settled": Text("settled by time", "期限により精算"),
    "bank_reversed": Text("reversed", "取消済み"),
    "bank_part_reversed": Text("reversed in part", "一部取消"),
    "bank_declined": Text("declined", "拒否"),
    "bank_early": Text("reversed before it came", "先行取消"),
    "bank_manual": Text("with the staff", "行員確認中"),
    "bank_absent": Text("not known to the bank", "銀行に記録なし"),
    "bank_no_request": Text("a posting without a request", "取引のない仕訳"),
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
    "card_read": Text("a real card stands for theirs {why}", "実物のカードを代用 {why}"),
    "chip_told": Text("the chip ends its transaction: {why}", "ICチップが取引を終了: {why}"),
    "no_service": Text("finds no service {why}", "取扱休止 {why}"),
    "dispensed": Text("{amount} comes to the shutter {why}", "{amount}を払出 {why}"),
    "retracted": Text("{amount} goes back into the machine {why}", "{amount}を機械に回収 {why}"),
    "completed": Text("the transaction is complete", "取引完了"),
    "card_returned": Text("takes the card", "カードを受け取り"),
    "retained": Text("the machine keeps the card {why}", "カードを機械に回収 {why}"),
    "reversal_queued": Text("a reversal begins {why}", "取消を開始 {why}"),
    "reversed": Text("the reversal is accepted", "取消が受理"),
    "suspect": Text("it stays open what was paid {why}", "払出状況は不明 {why}"),
    "counted": Text(
        "staff have counted: the customer holds {amount} {why}",
        "行員の精査結果: お客さまの手元に{amount} {why}",
    ),
    "cash_counted": Text("staff count {amount} in the bundles {why}", "行員が{amount}を精査 {why}"),
    "cash_taken": Text("takes {amount} {why}", "{amount}を受け取り {why}"),
    "abandoned": Text(
        "nobody knows whether it was done; no money moves {why}", "成否不明、資金移動なし {why}"
    ),
    "advice_queued": Text("the bank is told {why}", "銀行へ通知 {why}"),
    "advice_accepted": Text("the bank has noted it {why}", "銀行が通知を受理 {why}"),
    "advice_refused": Text(
        "the message is not accepted, and waits {answer}", "通知は未受理、再送待ち {answer}"
    ),
    "manual": Text("no more is sent: people have to settle it {why}", "再送打切り、手作業での処理待ち {why}"),
    "unreachable": Text("the bank is out of reach: nothing is sent on", "銀行に接続不可、電文は未送信"),
    "invalid_answer": Text("the network cannot use the answer {why}", "応答電文が使用不可 {why}"),
    "duplicate_answer": Text("the same answer comes once more", "同じ応答が再度到着"),
    "advised": Text("the bank decides on the advice: {why}", "銀行が通知を処理: {why}"),
    "replied": Text("the bank answers the tester {answer}", "試験者への応答 {answer}"),
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
    "fault": Text("a fault strikes {why}", "障害が発生 {why}"),
    "unreadable": Text("a message arrives and cannot be read {why}", "到着した電文が判読不能 {why}"),
    "stood_in": Text("the switch approves in the bank's place {why}", "中継システムが代行承認 {why}"),
    "stand_in_declined": Text(
        "the switch refuses in the bank's place {why}", "中継システムが代行で拒否 {why}"
    ),
    "held": Text("an advice waits for the one before it", "先行する通知を待機"),
    "timed_out": Text("the network waited in vain for an answer", "応答待ち時間切れ"),
    "late_answer": Text("an answer comes too late", "応答が遅延して到着"),
    "repeated": Text("an advice is sent again {why}", "通知を再送 {why}"),
    "power_lost": Text("the machine loses power", "ATMの電源断"),
    "power_restored": Text("the machine has power again", "ATMの電源復旧"),
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
