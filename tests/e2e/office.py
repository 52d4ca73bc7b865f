"""A company with two cards and visitors on the first one, for tests of what members keep of customers."""

import json

from numbers_of_radar import drain
from world import event


def visited_office(world, visitors=1):
    """Two cards, 林晓's and 陈默's, and visitors of the first one: `visitor`, or `visitors` when there are several."""
    company = world.company("云岭茶业")
    lin, chen = company.member("林晓"), company.member("陈默")
    people = [company.visitor() for _ in range(visitors)]
    for visitor in people:
        visitor.send(event("view_card", lin.card_id))
    drain(world.stack)
    who = {"visitor": people[0]} if visitors == 1 else {"visitors": people}
    return {"company": company, "boss": company.boss, "lin": lin, "chen": chen, **who}


def run_function(world, function, **call):
    """What a schedule does every few minutes, at once: `function` is an output of the stack."""
    name = world.stack.outputs[function]
    answer = world.stack.boto("lambda").invoke(FunctionName=name, Payload=json.dumps(call).encode())
    assert "FunctionError" not in answer, answer["Payload"].read()
