"""Every word that a person at the kiosk reads, English and Japanese; reasons and codes have theirs where reports do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from atm_sim.report.names import Text

Lang = Literal["en", "ja"]

TEXTS: Final[Mapping[str, Text]] = {
    # ---- the screen
    "screen.idle": Text("Welcome", "いらっしゃいませ"),
    "screen.enter_pin": Text("Enter your PIN", "暗証番号を入力してください"),
    "screen.wrong_pin": Text("The PIN is wrong", "暗証番号が違います"),
    "screen.menu": Text("Choose a service", "お取引を選んでください"),
    "screen.amount": Text("How much?", "金額を入力してください"),
    "screen.confirm": Text("Is this right?", "この内容でよろしいですか"),
    "screen.notes": Text("Feed your notes", "紙幣を入れてください"),
    "screen.new_pin": Text("Enter a new PIN", "新しい暗証番号を入力してください"),
    "screen.new_pin_again": Text("Enter the new PIN again", "新しい暗証番号をもう一度入力してください"),
    "screen.please_wait": Text("One moment, please", "しばらくお待ちください"),
    "screen.counting": Text("Counting your notes", "紙幣を数えています"),
    "screen.take_card": Text("Take your card", "カードをお取りください"),
    "screen.take_cash": Text("Take your cash", "現金をお取りください"),
    "screen.declined": Text("This cannot be done", "お取り扱いできません"),
    "screen.card_retained": Text("Your card is kept", "カードをお預かりしました"),
    "screen.no_service": Text("No service now", "ただいまお取り扱いできません"),
    "screen.thank_you": Text("Thank you", "ありがとうございました"),
    "screen.off": Text("Out of order", "休止中"),
    "line.idle": Text("Please insert your card.", "カードを入れてください。"),
    "line.enter_pin": Text("Four digits, then Enter.", "4桁の数字を押し、確認を押してください。"),
    "line.wrong_pin": Text(
        "Try again. After too many wrong PINs the bank blocks the card.",
        "もう一度入力してください。続けて間違えるとカードが使えなくなります。",
    ),
    "line.menu": Text("Press a key beside the screen.", "画面横のボタンを押してください。"),
    "line.amount": Text(
        "Key the amount with 万 (¥10,000) and 千 (¥1,000), then Enter.",
        "万・千を使って金額を入力し、確認を押してください。",
    ),
    "line.confirm": Text(
        "Your bank may charge a fee. The receipt tells it.",
        "手数料がかかる場合があります。明細票でご確認ください。",
    ),
    "line.notes": Text("Press a note to feed it, then Enter.", "紙幣を押して入れ、確認を押してください。"),
    "line.please_wait": Text("Your bank is being asked.", "銀行に照会しています。"),
    "line.counting": Text("Do not pull the card.", "カードを抜かないでください。"),
    "line.take_card": Text("Take your card from the slot.", "カード口からカードをお取りください。"),
    "line.card_retained": Text("Please ask your bank.", "お取引銀行へお問い合わせください。"),
    "line.off": Text("This machine has no power.", "電源が切れています。"),
    "never_your_real_pin": Text(
        "This is a training machine. Never type the PIN of a real card.",
        "これは練習機です。実際のカードの暗証番号は絶対に入力しないでください。",
    ),
    "done.change_pin": Text("Your PIN is changed.", "暗証番号を変更しました。"),
    "done.deposit": Text("{} is paid in.", "{}をお預かりしました。"),
    "less_came_out": Text(
        "Only a part of {} came out. The rest is not charged.",
        "{}のうち一部だけが出ました。残りは口座から引き落とされません。",
    ),
    "digits_entered": Text("{} of {} digits entered", "{}桁入力済み(全{}桁)"),
    "balance": Text("Balance", "残高"),
    "declined": Text("Not possible: {}", "お取り扱いできません: {}"),
    "not_done": Text("Not done: {}", "中止しました: {}"),
    "reason": Text("Reason: {}", "理由: {}"),
    "not_charged": Text("Nothing was charged.", "口座からは引き落とされません。"),
    "to_be_counted": Text(
        "The machine is counted; what did not come out is paid back.",
        "機械内の紙幣を確認し、払い出されなかった分は口座へお戻しします。",
    ),
    "offer.balance": Text("You can ask for your balance.", "残高照会をご利用ください。"),
    "offer.smaller_amount": Text("A smaller amount may be possible.", "金額を減らしてお試しください。"),
    "offer.other_amount": Text("Please try another amount.", "別の金額でお試しください。"),
    "offer.unlock": Text(
        "The card can be unlocked in internet banking.", "インターネットバンキングでロックを解除できます。"
    ),
    "offer.ask_bank": Text("Please ask your bank.", "お取引銀行へお問い合わせください。"),
    "offer.later": Text("Please try again later.", "時間をおいてお試しください。"),
    "hint.four_digits": Text("Four digits are needed.", "4桁必要です。"),
    "hint.pins_differ": Text("The two PINs differ. Once more.", "一致しません。もう一度入力してください。"),
    "hint.press_unit": Text("Press 万 or 千 after the figure.", "数字のあとに万か千を押してください。"),
    "hint.no_notes_yet": Text("No note is in yet.", "紙幣が入っていません。"),
    "choice.withdraw": Text("Withdrawal", "お引き出し"),
    "choice.deposit": Text("Deposit", "お預け入れ"),
    "choice.balance": Text("Balance", "残高照会"),
    "choice.change_pin": Text("Change PIN", "暗証番号変更"),
    "choice.cancel": Text("Cancel", "取消"),
    "choice.yes": Text("Yes", "確認"),
    "choice.again": Text("Other amount", "金額訂正"),
    # ---- the receipt
    "receipt.atm": Text("ATM", "取扱機"),
    "receipt.card": Text("Card", "カード"),
    "receipt.amount": Text("Amount", "金額"),
    "receipt.fee": Text("Fee", "手数料"),
    "receipt.answer": Text("Answer", "結果"),
    "receipt.approval": Text("Approval", "承認番号"),
    "receipt.reference": Text("Reference", "取引番号"),
    "receipt.simulated": Text("Simulated. No real money.", "練習用・実際のお金ではありません"),
    # ---- the machine
    "title": Text("Training ATM", "練習用ATM"),
    "machine": Text("Cash machine", "現金自動預払機"),
    "name": Text("Kiosk Bank Corner", "ATMコーナー"),
    "display": Text("Screen", "画面"),
    "pad": Text("Keypad", "テンキー"),
    "slot": Text("Card slot", "カード口"),
    "slot.empty": Text("Card slot, empty", "カード口(カードなし)"),
    "slot.in": Text("Pull the card", "カードを抜く"),
    "slot.out": Text("Take the card", "カードを取る"),
    "tray": Text("Cash tray", "現金取出口"),
    "tray.closed": Text("Cash tray, closed", "現金取出口(閉)"),
    "tray.open": Text("Take the cash", "現金を取る"),
    "printer": Text("Receipt", "明細票"),
    "printer.empty": Text("Receipt slot, empty", "明細票口(なし)"),
    "printer.out": Text("Take the receipt", "明細票を取る"),
    "wallet": Text("Your cards", "お手持ちのカード"),
    "wallet.help": Text(
        "Press a card to insert it. PINs stand on the cards because nobody real owns them.",
        "カードを押すと挿入します。架空のカードなので暗証番号が印字されています。",
    ),
    "wallet.in_reader": Text(
        "Card in the reader: {card}. It stands for the card of {name}; never type its own PIN.",
        "カードリーダーのカード:{card}。{name}のカードの代わりです。本物の暗証番号は入力しないでください。",
    ),
    "papers": Text(
        "Account, password and token, for internet banking", "ネットバンキング用の口座・パスワード等"
    ),
    "papers.account": Text("Branch - account", "店番号 - 口座番号"),
    "papers.password": Text("Password", "ログインパスワード"),
    "papers.token": Text("Token shows", "トークンの表示"),
    "wallet.reader": Text("or put a card into the reader", "またはカードリーダーに挿入してください"),
    "key.confirm": Text("Enter", "確認"),
    "key.clear": Text("Clear", "訂正"),
    "key.cancel": Text("Cancel", "取消"),
    "key.man": Text("¥10,000 man", "万円"),
    "key.sen": Text("¥1,000 sen", "千円"),
    "sound": Text("Sound", "音"),
    "language": Text("日本語", "English"),
    "lost": Text("The line to the kiosk is down; trying again.", "接続が切れました。再接続しています。"),
    "elsewhere": Text("This ATM was opened in another window.", "このATMは別の画面で開かれています。"),
    "netbank": Text("Internet banking", "インターネットバンキング"),
    "door.code": Text("Join code", "参加コード"),
    "door.learner": Text("Your name (for the result)", "お名前(結果に記録)"),
    "door.enter": Text("Go to an ATM", "ATMへ"),
    "door.full": Text("Every ATM is in use.", "空いているATMがありません。"),
    "door.wrong": Text("This is not the code.", "参加コードが違います。"),
    # ---- under the glass
    "glass": Text("Under the glass", "機械の中"),
    "glass.session": Text("Session", "取引状態"),
    "glass.stage": Text("Stage", "段階"),
    "glass.queue": Text("Advices waiting", "送信待ち通知"),
    "glass.suspects": Text("To be counted by staff", "精査待ち"),
    "glass.decisions": Text("What the bank decided", "銀行の判定"),
    "glass.rule": Text("Rule", "規則"),
    "glass.passed": Text("Looked at before, and not the case", "それまでの審査(該当なし)"),
    "glass.messages": Text("Messages (ISO 8583)", "電文(ISO 8583)"),
    "glass.ledger": Text("Ledger", "元帳"),
    "glass.apdus": Text("Chip commands (masked)", "ICカードのコマンド(マスク済み)"),
    "glass.apdu": Text("{}: {} bytes, answer {} with {} bytes", "{}: {}バイト、応答 {} {}バイト"),
    "glass.cassettes": Text("Cassettes", "カセット"),
    "glass.notes": Text("{} notes", "{}枚"),
    "book.customer": Text("Account", "口座"),
    "book.suspense": Text("Suspense of", "仮勘定"),
    "book.atm": Text("Cash in", "機内現金"),
    "book.fees": Text("Fees", "手数料"),
    "glass.none": Text("nothing yet", "まだありません"),
    "glass.clock": Text("Bank time", "銀行の時刻"),
    # ---- lessons
    "lesson.ask": Text("What do you expect?", "どうなると思いますか。"),
    "lesson.code": Text("Answer code", "応答コード"),
    "lesson.choose": Text("choose", "選択"),
    "lesson.card": Text("Card", "カード"),
    "lesson.balance": Text("Balance afterwards (yen)", "取引後の残高(円)"),
    "lesson.card_back": Text("comes back", "返却される"),
    "lesson.card_kept": Text("is kept", "回収される"),
    "lesson.send": Text("That is my prediction", "予想を決定"),
    "lesson.next": Text("Go on", "次へ"),
    "lesson.do": Text("{}: with the card of {} do this: {}.", "{} {}さんのカードで: {}。"),
    "lesson.happens": Text("{}: {}, away from the ATM: {}.", "{} {}さん(ATMの外): {}。"),
    "lesson.pins": Text("Enter these PINs: {}.", "暗証番号は次の順に入力: {}。"),
    "lesson.wrong": Text("a wrong one", "誤り"),
    "lesson.right": Text("the right one", "正しいもの"),
    "lesson.forged": Text("The card is a forged copy.", "カードは偽造されたものです。"),
    "lesson.skimmed": Text("The card is a copy of the stripe.", "カードは磁気部分の複製です。"),
    "lesson.leave_card": Text("Do not take the card.", "カードを取らないでください。"),
    "lesson.leave_cash": Text("Do not take the cash.", "現金を取らないでください。"),
    "lesson.came": Text("{} {}: {} (you said: {})", "{} {}: {}(予想: {})"),
    "lesson.rule": Text("The rule that decided: {} — {}", "決め手の規則: {} — {}"),
    "lesson.no_rule": Text("No rule of the bank stood against it.", "銀行の規則で断られたものはありません。"),
    "lesson.no_code": Text("none", "なし"),
    "lesson.done": Text("The lesson is done.", "レッスンは終わりです。"),
    "lesson.score": Text("{} of {} predictions were right.", "予想{1}件のうち{0}件が正解でした。"),
    "lesson.no_amount": Text("Write the balance as a figure.", "残高を数字で入力してください。"),
    "lesson.not_now": Text(
        "First predict; then use the card that the step names.", "先に予想し、指定のカードを使ってください。"
    ),
    "lesson.other_pin": Text(
        "The step asks for another PIN entry.", "このステップで入力する暗証番号が違います。"
    ),
    "lesson.other_wish": Text("The step asks for another transaction.", "このステップの取引と違います。"),
    "faults": Text("Faults", "障害"),
    "fault.jam": Text("Jam the dispenser", "紙幣詰まり"),
    "fault.partial": Text("Pay only a part", "一部だけ払い出し"),
    "fault.line": Text("Cut the line", "回線断"),
    "fault.power": Text("Cut the power", "電源断"),
    "fault.count": Text("Staff count the cash", "行員が現金を精査"),
    "stage.idle": Text("idle", "待機"),
    "stage.pin": Text("PIN", "暗証番号入力"),
    "stage.menu": Text("menu", "取引選択"),
    "stage.authorising": Text("the bank is asked", "照会中"),
    "stage.counting": Text("counting", "計数中"),
    "stage.card_out": Text("card in the slot", "カード返却中"),
    "stage.cash_out": Text("shutter open", "現金取出口 開"),
    "stage.off": Text("no power", "電源断"),
}


def say(key: str, lang: Lang) -> str:
    """The words of a key."""
    text = TEXTS[key]
    return text.en if lang == "en" else text.ja


LABELS: Final = (
    *("title", "machine", "name", "display", "pad", "slot", "tray", "printer", "wallet", "wallet.help"),
    *("wallet.reader", "key.confirm", "key.clear", "key.cancel", "key.man", "key.sen", "sound", "language"),
    *(
        "lost",
        "elsewhere",
        "netbank",
        "papers",
        "glass",
        "glass.session",
        "glass.decisions",
        "glass.messages",
        "glass.ledger",
    ),
    *("glass.apdus", "glass.cassettes", "glass.none", "faults"),
)
"""What the page itself says: told with each view, so that the page holds no text of its own."""


_ROMANISED: Final[Mapping[str, str]] = {
    "山田 花子": "Hanako Yamada",
    "鈴木 太郎": "Taro Suzuki",
    "田中 健二": "Kenji Tanaka",
    "佐藤 由紀": "Yuki Sato",
    "中村 さくら": "Sakura Nakamura",
    "さくら商事株式会社": "Sakura Trading Co., Ltd.",
    "ふじ工業株式会社": "Fuji Industries Co., Ltd.",
}
"""The people of the shipped scenarios, as an English page says them."""


def person_name(name: str, lang: Lang) -> str:
    """A name as the page's language writes it; who is not in the table keeps the name of the scenario."""
    return _ROMANISED.get(name, name) if lang == "en" else name


def labels(lang: Lang) -> dict[str, str]:
    return {key: say(key, lang) for key in LABELS}
