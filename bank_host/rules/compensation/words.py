"""A decision on a loss claim in words: every step of the trail and a report for the customer (requirements R123, R140).

One table per language pair; the rules know only the names on the left.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from bank_host.jst import civil
from bank_host.policy import Figures
from bank_host.rules.compensation.assess import Assessment, Decided, Step
from bank_host.rules.contacts import BANKING, contact_lines
from bank_host.rules.languages import Words, say

RULES: Mapping[str, Words] = {
    "act": Words("Depositor Protection Act of 2005 (in force 2006-02-10)", "預金者保護法(2006年2月10日施行)"),
    "act_2": Words("Act Art. 2(2)", "預金者保護法第2条第2項"),
    "act_4": Words("Act Art. 4", "預金者保護法第4条"),
    "act_5": Words("Act Art. 5", "預金者保護法第5条"),
    "act_7": Words("Act Art. 7", "預金者保護法第7条"),
    "jba": Words("JBA agreement of 2008-02-19", "全国銀行協会申し合わせ(2008年2月19日)"),
    "card_insurance": Words("Cash-card theft insurance", "キャッシュカード盗難保険"),
    "net_insurance": Words("Account misuse insurance", "預金口座不正使用保険"),
}

FACT_WORDS: Mapping[str, Words] = {
    "natural_person": Words("the holder is a natural person", "預金者が個人である(営業性個人を含む)"),
    "act_in_force": Words("the Act was in force at the time", "払い戻しの時に法律が施行されていた"),
    "agreement_in_force": Words("the agreement was in force at the time", "取引の時に申し合わせがあった"),
    "intent": Words("the bank has proved the depositor's intent", "預金者の故意を銀行が証明した"),
    "bank_without_fault": Words(
        "the bank has proved its good faith without negligence", "銀行が善意かつ無過失であることを証明した"
    ),
    "gross_negligence": Words(
        "the bank has proved the depositor's gross negligence", "預金者の重大な過失を銀行が証明した"
    ),
    "negligence": Words("the bank has proved the depositor's negligence", "預金者の過失を銀行が証明した"),
    "any_negligence": Words("negligence of the depositor has been proved", "預金者の過失が証明された"),
    "excluded_user": Words(
        "used by the spouse, a relative to the 2nd degree, a cohabitant or a domestic employee",
        "配偶者・二親等内の親族・同居人・家事使用人による利用である",
    ),
    "false_statement": Words(
        "a false statement was made on a material point", "重要な事項について偽りの説明があった"
    ),
    "war_or_riot": Words("the loss came with war or riot", "戦争・暴動に乗じた被害である"),
    "prompt_notice": Words("the bank was told promptly", "速やかに銀行へ通知した"),
    "full_explanation": Words("the depositor has explained everything", "十分な説明を行った"),
    "police_report": Words("the police have been told", "警察に届け出た(捜査機関に申し出た)"),
    "notice_in_time": Words("the notice came within the outer limit", "期限(2年)内に通知した"),
    "in_window": Words(
        "the transaction lies within the period before the notice", "通知前の補償対象期間内の取引である"
    ),
    "ceiling_left": Words("the insurance of the year covers all of it", "年間の保険金額の範囲内である"),
    "no_exception": Words("no exception applies", "例外に当たらない"),
}

FOUND: Mapping[bool, Words] = {
    True: Words("yes", "はい"),
    False: Words("no, or not proved", "いいえ(証明なし)"),
}

EFFECTS: Mapping[str, Words] = {
    "": Words("go on", "次の判断へ"),
    "full": Words("paid", "補償する"),
    "part": Words("paid in part", "一部を補償する"),
    "nothing": Words("nothing is paid", "補償しない"),
    "refer": Words("decided by a person, case by case", "個別に判断する"),
    "insurance": Words(
        "this law does not cover it; the insurance is looked at", "法の対象外。保険で判断する"
    ),
}

PAYERS: Mapping[str, Words] = {
    "bank": Words("the bank", "銀行"),
    "card_insurance": RULES["card_insurance"],
    "net_insurance": RULES["net_insurance"],
    "none": Words("nobody", "なし"),
}

OUTCOMES: Mapping[str, Words] = {
    "paid": Words("compensated in full", "全額補償"),
    "part": Words("compensated in part", "一部補償"),
    "refused": Words("not compensated", "補償なし"),
    "refer": Words("referred to a person", "個別判断"),
}

_SHARE = Words("share", "割合")


def step_text(step: Step, language: str) -> str:
    """`Act Art. 5: the police have been told: no, or not proved. Nothing is paid`, in one line."""
    rule, fact = say(RULES[step.rule], language), say(FACT_WORDS[step.fact], language)
    return f"{rule}: {fact} → {say(FOUND[step.found], language)} → {say(EFFECTS[step.effect], language)}"


def report(assessment: Assessment, figures: Figures, language: str) -> str:
    """The decision on a claim for its holder: result, each transaction with its trail, and whom to complain to."""
    name = f" ({assessment.claim.claim_id})" if assessment.claim.claim_id else ""
    lines = [
        f"{say(OUTCOMES[assessment.outcome], language)}: "
        f"¥{assessment.amount_jpy:,} / ¥{assessment.loss_jpy:,}{name}"
    ]
    for each in assessment.decided:
        lines.append(_decided_line(each, language))
        lines += [f"    {step_text(step, language)}" for step in each.trail]
    return "\n".join([*lines, *contact_lines(BANKING, figures, language)]) + "\n"


def _decided_line(each: Decided, language: str) -> str:
    share = say(OUTCOMES["refer"], language) if each.share is None else _percent(each.share)
    return (
        f"  {civil(each.loss.at_us):%Y-%m-%d %H:%M:%S} ¥{each.loss.amount_jpy:,}: "
        f"{say(_SHARE, language)} {share}, ¥{each.amount_jpy:,} ({say(PAYERS[each.payer], language)})"
    )


def _percent(share: Fraction) -> str:
    percent = share * 100
    return f"{percent.numerator} %" if percent.denominator == 1 else f"{float(percent):.2f} %"
