"""my m@il: notices to customers, from the outbox to a mailbox (requirements R103-R108).

`texts` says what each kind of event is told as, `message` makes the e-mail, `plan` decides what is due and what
becomes of an attempt, `relay` does it, `mailbox` is the folder that receives.
"""
