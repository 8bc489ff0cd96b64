#pragma once
#include "pools/options.h"
