"How a call is refused, for all tests of what people give"
import pytest

from t2v_learn.core import InputError


def sentence(function, *args, **kwargs):
    "The one sentence with which a call is refused"
    with pytest.raises(InputError) as caught: function(*args, **kwargs)
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text, text
    return text
