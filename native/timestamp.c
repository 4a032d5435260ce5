/* gmtime_r and strftime would bring the C library's time zones and locales into a process that should stay small. */
#include "timestamp.h"

#include <stdint.h>

static char *digits(char *out, uint32_t value, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + width;
}

size_t timestamp_format(char *out, struct timespec at)
{
	uint64_t seconds = at.tv_sec > 0 ? (uint64_t)at.tv_sec : 0;
	uint32_t of_day = (uint32_t)(seconds % 86400);

	/* Days to a date in the Gregorian calendar. Years begin in March, so that the leap day is a year's last; 719468 days lie
	 * between 0000-03-01 and 1970-01-01; an era is 400 years, after which the calendar repeats. */
	uint64_t days = seconds / 86400 + 719468;
	uint32_t of_era = (uint32_t)(days % 146097);
	uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t from_march = (5 * of_year + 2) / 153;
	uint32_t day = of_year - (153 * from_march + 2) / 5 + 1;
	uint32_t month = from_march < 10 ? from_march + 3 : from_march - 9;
	uint32_t year = (uint32_t)(days / 146097) * 400 + year_of_era + (month <= 2 ? 1 : 0);

	char *at_end = digits(out, year, 4);
	*at_end++ = '-';
	at_end = digits(at_end, month, 2);
	*at_end++ = '-';
	at_end = digits(at_end, day, 2);
	*at_end++ = 'T';
	at_end = digits(at_end, of_day / 3600, 2);
	*at_end++ = ':';
	at_end = digits(at_end, of_day / 60 % 60, 2);
	*at_end++ = ':';
	at_end = digits(at_end, of_day % 60, 2);
	if (at.tv_nsec > 0) {
		*at_end++ = '.';
		at_end = digits(at_end, (uint32_t)at.tv_nsec, 9);
		while (at_end[-1] == '0')
			at_end--;
	}
	*at_end++ = 'Z';
	*at_end = '\0';
	return (size_t)(at_end - out);
}
