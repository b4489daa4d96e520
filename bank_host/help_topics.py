"""What customers can look up while they fill in a screen, in two languages (requirements R19, R31)."""

from __future__ import annotations

from collections.abc import Mapping

from bank_host.rules.languages import Words

TOKEN_GRADING = Words(
    "One of the highest levels of technology there is, says the bank of it (as of 2014-01-01).",
    "最高レベル技術のひとつ(2014年1月1日現在)",
)
"""The page's own grading; no decision depends on it (R19)."""

_OTP = Words(
    f"""\
Entering a one-time password
  1. Look at your token: it shows six digits, and other ones every 60 seconds.
  2. Type all six, leading zeros too, into the field of the confirm screen.
  3. Press [Transfer] at once: the bank judges the code when your request arrives. The code shown just before still
     counts, an older one does not.
  A code works once. For the next operation wait until the display changes.
  Five wrong codes in a row lock every operation that asks for one; the bank's staff releases the lock.
  With an ID card, type the codes at the positions that the screen names.
  {TOKEN_GRADING.en}
""",
    f"""\
ワンタイムパスワードの入力方法
  1. トークンに表示される6桁の数字をご確認ください。表示は60秒ごとに切り替わります。
  2. 確認画面の入力欄に、先頭の0も含めて6桁すべてを入力してください。
  3. 時間をあけずに[振込]ボタンを押してください。判定は銀行に届いた時点で行われます。
     1つ前の表示までは有効です。
  1回使うと無効になります。次のお取引では表示が切り替わるまでお待ちください。
  5回続けて誤って入力するとロックされ、ワンタイムパスワードを必要とするお取引ができなくなります。
  IDカードをお使いの場合は、画面に示された位置の番号を入力してください。
  {TOKEN_GRADING.ja}
""",
)

TOPICS: Mapping[str, Words] = {"otp": _OTP}
