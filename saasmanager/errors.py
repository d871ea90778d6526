"""What is said to a request that can't be read: that it is too large, where it is, or to try again."""

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import bad_request as not_readable


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for a form that is larger than the server takes, else Django's."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        return render(request, "413.html", status=413)
    return not_readable(request, exception)
